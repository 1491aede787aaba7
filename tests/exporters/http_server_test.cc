#include "exporters/http/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

namespace pghang {
namespace {

HttpResponse echo(const HttpRequest& request) {
  return {200, "text/plain", request.method + ' ' + request.path + '?' + request.query, ""};
}

TEST(HttpServer, AnswersWithTheFieldsThatEveryAnswerHas) {
  const ServedHttp http(echo);
  const auto response = http.ask("/path?a=b&c");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "GET /path?a=b&c");
  EXPECT_EQ(response->fields.at("server"), "pghangd");
  EXPECT_EQ(response->fields.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(response->fields.at("referrer-policy"), "no-referrer");
  EXPECT_EQ(response->fields.at("cache-control"), "no-store");
  EXPECT_TRUE(response->fields.at("content-security-policy").starts_with("default-src 'none'"));
  EXPECT_EQ(response->fields.at("content-security-policy").find("unsafe"), std::string::npos);
  EXPECT_EQ(response->fields.at("connection"), "close");
  EXPECT_TRUE(response->fields.at("date").ends_with(" GMT"));
}

TEST(HttpServer, HeadersGivenLaterAreInEveryAnswerFromThenOnErrorsToo) {
  ServedHttp http(echo);
  http.with_server([](HttpServer& server) { server.add_headers({{"X-Frame-Options", "deny"}}); });
  EXPECT_EQ(http.ask("/")->fields.at("x-frame-options"), "deny");
  HttpClient client = http.connect();
  client.send("GET / HTTP/1.1\r\n\r\n");
  const auto refused = client.receive();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 400);
  EXPECT_EQ(refused->fields.at("x-frame-options"), "deny");
  EXPECT_EQ(refused->fields.at("x-content-type-options"), "nosniff");
  http.with_server([](HttpServer& server) { server.add_headers({}); });
  EXPECT_FALSE(http.ask("/")->fields.contains("x-frame-options"));
}

TEST(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send(get("/1") + get("/2") + get("/3", "Connection: close\r\n"));
  for (const char* expected : {"GET /1?", "GET /2?", "GET /3?"}) {
    const auto response = client.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, expected);
  }
  EXPECT_TRUE(client.closed_by_server());
}

TEST(HttpServer, MorePipelinedBytesThanTheBufferHoldsAreAllAnswered) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  const std::string padding = "X-Padding: " + std::string(4000, 'p') + "\r\n";
  std::string bytes;
  for (int i = 0; i < 50; ++i)
    bytes += get('/' + std::to_string(i), padding);
  client.send(bytes);
  for (int i = 0; i < 50; ++i) {
    const auto response = client.receive();
    ASSERT_TRUE(response) << i;
    ASSERT_EQ(response->body, "GET /" + std::to_string(i) + '?');
  }
}

TEST(HttpServer, Http10IsClosedAfterTheAnswer) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.receive());
  EXPECT_TRUE(client.closed_by_server());
}

TEST(HttpServer, Http10IsKeptOpenForAClientThatAsksForIt) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  for (int i = 0; i < 2; ++i) {
    client.send("GET /again HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto response = client.receive();
    ASSERT_TRUE(response) << i;
    EXPECT_EQ(response->body, "GET /again?");
    EXPECT_EQ(response->fields.at("connection"), "keep-alive");
  }
}

TEST(HttpServer, HeadHasTheLengthOfTheBodyThatItLeavesOut) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next"));
  const auto head = client.receive(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->fields.at("content-length"), std::to_string(std::string("GET /x?").size()));
  const auto next = client.receive();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->body, "GET /next?") << "nothing of a body came in between";
}

TEST(HttpServer, AClientThatAsksWhetherToSendItsBodyIsToldToContinue) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const auto told = client.receive();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 100);
  client.send("ab");
  EXPECT_EQ(client.receive()->body, "POST /p?");
}

TEST(HttpServer, ARequestThatIsRefusedIsAnsweredAndTheConnectionClosed) {
  const ServedHttp http(echo);
  for (const auto& [bytes, status] : std::initializer_list<std::pair<std::string, int>>{
           {"GET\r\n\r\n", 400},
           {get("/", "X: " + std::string(100'000, 'a') + "\r\n"), 431},
           {get('/' + std::string(200'000, 'a')), 414},
           {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" +
                std::string(20'000, 'b'),
            413},
           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
       }) {
    HttpClient client = http.connect();
    client.send(bytes);
    const auto response = client.receive();
    ASSERT_TRUE(response) << status
                          << ": bytes that nobody read must not take the answer with them";
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(response->fields.at("connection"), "close");
    EXPECT_TRUE(response->fields.contains("content-security-policy"));
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST(HttpServer, DestroyingItClosesEveryConnectionAndThePort) {
  ServedHttp http(echo);
  HttpClient idle = http.connect();
  HttpClient halfway = http.connect();
  halfway.send("GET / HT");
  idle.send(get("/"));
  ASSERT_TRUE(idle.receive());
  http.destroy_server();
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(halfway.closed_by_server());
  EXPECT_THROW(HttpClient(http.port()), std::runtime_error);
}

TEST(HttpServer, APortInUseIsAnErrorThatNamesTheAddress) {
  const ServedHttp http(echo);
  boost::asio::io_context loop;
  const std::string address = "127.0.0.1:" + std::to_string(http.port());
  const auto second = HttpServer::start(loop.get_executor(), {address}, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::io);
  EXPECT_NE(second.error().context.find(address), std::string::npos) << second.error().context;
  EXPECT_NE(second.error().context.find("in use"), std::string::npos) << second.error().context;
}

TEST(HttpServer, ListensOnEveryAddressThatItIsGiven) {
  boost::asio::io_context loop;
  const auto server =
      HttpServer::start(loop.get_executor(), {"localhost:0", "127.0.0.1:0", ":0"}, echo);
  ASSERT_TRUE(server) << server.error().context;
  const std::vector<std::string> bound = (*server)->addresses();
  ASSERT_EQ(bound.size(), 3U);
  EXPECT_TRUE(bound[0].starts_with("127.0.0.1:"));
  EXPECT_FALSE(bound[0].ends_with(":0")) << "the kernel's choice is told";
  EXPECT_TRUE(bound[2].starts_with("[::]:") || bound[2].starts_with("0.0.0.0:")) << bound[2];
}

TEST(HttpServer, AnswersOnIpv6AndOnEachOfSeveralAddresses) {
  std::string peer;
  boost::asio::io_context loop;
  const auto server = HttpServer::start(
      loop.get_executor(),
      {"[::1]:0", "127.0.0.1:0"},
      [&](const HttpRequest& request) {
        peer = request.peer;
        return echo(request);
      }
  );
  if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().context;
  for (const std::string& address : (*server)->addresses()) {
    const std::size_t colon = address.rfind(':');
    const std::string host = address.starts_with('[') ? "::1" : "127.0.0.1";
    boost::asio::ip::tcp::socket client(loop);
    client.connect(
        {boost::asio::ip::make_address(host),
         static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))}
    );
    boost::asio::write(client, boost::asio::buffer(get("/v6", "Connection: close\r\n")));
    loop.restart();
    while (client.available() == 0)
      loop.run_one();
    std::string answer(client.available(), '\0');
    client.read_some(boost::asio::buffer(answer));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(peer.starts_with(address.substr(0, colon))) << peer;
  }
}

TEST(HttpServer, AnAddressThatWouldNeedDnsOrIsNoneIsMalformed) {
  boost::asio::io_context loop;
  for (const char* address :
       {"example.org:80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "::1:80",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        ""}) {
    const auto server = HttpServer::start(loop.get_executor(), {address}, echo);
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code, Errc::malformed) << address;
    EXPECT_NE(server.error().context.find('\'' + std::string(address) + '\''), std::string::npos);
  }
}

}  // namespace
}  // namespace pghang
