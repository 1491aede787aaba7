#include "exporters/http/http_server.h"

#include <atomic>
#include <deque>

#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

namespace pghang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::string_literals::operator""s;
using Clock = std::chrono::steady_clock;

HttpResponse echo(const HttpRequest& request) {
  return {200, "text/plain", request.method + ' ' + request.path + '?' + request.query, ""};
}

HttpLimits short_limits() {
  HttpLimits limits;
  limits.request = milliseconds(150);
  limits.write = milliseconds(150);
  limits.idle = milliseconds(150);
  limits.linger = milliseconds(150);
  return limits;
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
  EXPECT_EQ(response->fields.at("connection"), "close");
  EXPECT_TRUE(response->fields.at("date").ends_with(" GMT"));
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

TEST(HttpServer, AnOversizeHeaderIsAnswered431) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send(get("/", "X-Long: " + std::string(9000, 'a') + "\r\n"));
  const auto response = client.receive();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 431);
  EXPECT_TRUE(client.closed_by_server());
}

TEST(HttpServer, AHeaderWithoutEndIsAnswered431) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send("GET /" + std::string(100'000, 'a'));
  const auto response = client.receive();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 431);
}

TEST(HttpServer, ABodyAtTheLimitIsTakenAndOneByteMoreIsAnswered413) {
  const ServedHttp http(echo);
  const auto post = [&](std::size_t size) {
    HttpClient client = http.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
        std::string(size, 'b')
    );
    const auto response = client.receive();
    return response ? response->status : 0;
  };
  EXPECT_EQ(post(16UL * 1024), 200);
  EXPECT_EQ(post(16UL * 1024 + 1), 413);
  EXPECT_EQ(post(1'000'000), 413);
}

TEST(HttpServer, AChunkedBodyHasTheSameLimit) {
  const ServedHttp http(echo);
  HttpClient client = http.connect();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i)
    client.send("400\r\n" + std::string(1024, 'c') + "\r\n");
  const auto response = client.receive();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
}

TEST(HttpServer, MalformedBytesAreAnswered400AndTheConnectionIsClosed) {
  const ServedHttp http(echo);
  for (const std::string& bytes : {
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello\r\n\r\n"s,
           std::string("GET\r\n\r\n"),
           std::string("GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost x\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\n\r\n"),
           std::string("GET x HTTP/1.1\r\nHost: x\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n"),
       }) {
    HttpClient client = http.connect();
    client.send(bytes);
    const auto response = client.receive();
    ASSERT_TRUE(response) << bytes;
    EXPECT_EQ(response->status, 400) << bytes;
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
}

TEST(HttpServer, AClientThatStopsInMidRequestIsClosedInTime) {
  const ServedHttp http(echo, short_limits());
  for (const char* bytes : {"", "G", "GET / HTTP/1.1\r\nHo"}) {
    const auto start = Clock::now();
    HttpClient client = http.connect();
    client.send(bytes);
    EXPECT_TRUE(client.closed_by_server()) << bytes;
    EXPECT_GE(Clock::now() - start, milliseconds(140)) << bytes;
    EXPECT_LT(Clock::now() - start, seconds(2)) << bytes;
  }
}

TEST(HttpServer, AnIdleKeptConnectionIsClosedInTime) {
  HttpLimits limits = short_limits();
  limits.request = seconds(30);
  const ServedHttp http(echo, limits);
  HttpClient client = http.connect();
  client.send(get("/"));
  ASSERT_TRUE(client.receive());
  EXPECT_TRUE(client.closed_by_server());
}

/// More than the kernel buffers on both sides take: the answer ends only when it is read.
HttpResponse endless(const HttpRequest&) {
  return {200, "text/plain", std::string(64U << 20U, 'x'), ""};
}

TEST(HttpServer, AClientThatDoesNotReadIsClosedInTimeAndItsPlaceIsFree) {
  HttpLimits limits = short_limits();
  limits.connections = 1;
  const ServedHttp http(
      [](const HttpRequest& request) {
        return request.path == "/endless" ? endless(request) : echo(request);
      },
      limits
  );
  HttpClient client = http.connect();
  client.send(get("/endless"));
  ASSERT_TRUE(client.has_input());
  const auto start = Clock::now();
  while (!http.ask("/") && Clock::now() - start < seconds(5)) {
  }
  EXPECT_GE(Clock::now() - start, milliseconds(100));
  EXPECT_LT(Clock::now() - start, seconds(5));
  EXPECT_FALSE(client.receive()) << "cut short";
}

TEST(HttpServer, IdleConnectionsBeyondTheLimitMakePlaceForTheNext) {
  const ServedHttp http(echo);
  std::deque<HttpClient> idle;
  for (int i = 0; i < 150; ++i)
    idle.push_back(http.connect());
  const auto response = http.ask("/served");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "GET /served?");
  EXPECT_TRUE(idle.front().closed_by_server()) << "the longest idle one went";
  idle.back().send(get("/still"));
  EXPECT_TRUE(idle.back().receive()) << "the newest ones stayed";
}

TEST(HttpServer, SlowSendersBeyondTheLimitMakePlaceForTheNext) {
  HttpLimits limits;
  limits.connections = 3;
  const ServedHttp http(echo, limits);
  std::deque<HttpClient> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(http.connect());
    slow.back().send("GET / HT");
  }
  EXPECT_TRUE(http.ask("/served"));
}

TEST(HttpServer, WhileAllAreBeingAnsweredTheNewcomerIsClosed) {
  HttpLimits limits;
  limits.connections = 2;
  const ServedHttp http(endless, limits);
  HttpClient first = http.connect();
  HttpClient second = http.connect();
  first.send(get("/", "Connection: close\r\n"));
  second.send(get("/", "Connection: close\r\n"));
  // The first bytes of both answers prove that both are being answered.
  ASSERT_TRUE(first.has_input() && second.has_input());
  HttpClient third = http.connect();
  third.send(get("/"));
  EXPECT_FALSE(third.receive());
  EXPECT_EQ(first.receive()->body.size(), 64U << 20U) << "an answer under way is not cut";
}

TEST(HttpServer, ManyClientsAtOnceAreAllServed) {
  std::atomic<int> served = 0;
  const ServedHttp http(echo);
  std::deque<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      HttpClient client = http.connect();
      for (int i = 0; i < 100; ++i) {
        const std::string path = '/' + std::to_string(t) + '/' + std::to_string(i);
        client.send(get(path));
        const auto response = client.receive();
        if (response && response->body == "GET " + path + '?') ++served;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(served, 800);
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

TEST(HttpServer, ListensOnIpv6) {
  boost::asio::io_context loop;
  const auto server = HttpServer::start(loop.get_executor(), {"[::1]:0"}, echo);
  if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().context;
  EXPECT_TRUE((*server)->addresses()[0].starts_with("[::1]:"));
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
