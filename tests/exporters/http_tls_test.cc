#include <deque>

#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

namespace pghang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

HttpResponse echo(const HttpRequest& request) {
  return {200, "text/plain", request.method + ' ' + request.path, ""};
}

HttpLimits short_limits() {
  HttpLimits limits;
  limits.request = milliseconds(200);
  limits.linger = milliseconds(200);
  return limits;
}

class HttpTls : public testing::Test {
 protected:
  std::shared_ptr<boost::asio::ssl::context> context_ = self_signed_context();
};

TEST_F(HttpTls, AnswersPipelinedRequestsAndClosesProperly) {
  const ServedHttp http(echo, {}, context_);
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send(get("/1") + get("/2", "Connection: close\r\n"));
  EXPECT_EQ(client.receive()->body, "GET /1");
  EXPECT_EQ(client.receive()->body, "GET /2");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(::SSL_get_shutdown(client.tls()), SSL_RECEIVED_SHUTDOWN) << "close_notify came";
}

TEST_F(HttpTls, ALargeAnswerComesWhole) {
  const std::string large(5U << 20U, 'x');
  const ServedHttp http(
      [&](const HttpRequest&) {
        return HttpResponse{200, "text/plain", large, ""};
      },
      {},
      context_
  );
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send(get("/"));
  EXPECT_EQ(client.receive()->body, large);
}

TEST_F(HttpTls, Http2IsNotOffered) {
  const ServedHttp http(echo, {}, context_);
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  ::SSL_get0_alpn_selected(client.tls(), &chosen, &length);
  EXPECT_EQ(length, 0U);
}

TEST_F(HttpTls, AClientThatSpeaksPlainHttpIsToldSo) {
  const ServedHttp http(echo, {}, context_);
  for (const char* method : {"GET", "POST", "HEAD"}) {
    HttpClient client = http.connect();
    client.send(std::string(method) + " / HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto response = client.receive();
    ASSERT_TRUE(response) << method;
    EXPECT_EQ(response->status, 400);
    EXPECT_EQ(response->body, "Client sent an HTTP request to an HTTPS server.\n");
    EXPECT_TRUE(client.closed_by_server());
  }
}

TEST_F(HttpTls, BytesThatAreNeitherEndTheConnectionAlone) {
  const ServedHttp http(echo, {}, context_);
  for (const std::string& bytes :
       {std::string(1000, '\0'), std::string("SSH-2.0-x\r\n"), std::string(100'000, '\x16')}) {
    HttpClient client = http.connect();
    client.send(bytes);
    EXPECT_TRUE(client.closed_by_server());
  }
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send(get("/"));
  EXPECT_TRUE(client.receive());
}

TEST_F(HttpTls, AHandshakeThatHangsIsClosedInTime) {
  const ServedHttp http(echo, short_limits(), context_);
  // Nothing; the first bytes of a hello.
  for (const std::string& bytes : {std::string(), std::string("\x16\x03\x01\x02", 4)}) {
    const auto start = Clock::now();
    HttpClient client = http.connect();
    client.send(bytes);
    EXPECT_TRUE(client.closed_by_server());
    EXPECT_GE(Clock::now() - start, milliseconds(190));
    EXPECT_LT(Clock::now() - start, seconds(5));
  }
}

TEST_F(HttpTls, TheHandshakeAndTheFirstRequestHaveOneDeadline) {
  const ServedHttp http(echo, short_limits(), context_);
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send("GET / HT");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpTls, HangingHandshakesBeyondTheLimitMakePlaceForTheNext) {
  HttpLimits limits;
  limits.connections = 3;
  const ServedHttp http(echo, limits, context_);
  std::deque<HttpClient> hanging;
  for (int i = 0; i < 10; ++i)
    hanging.push_back(http.connect());
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send(get("/"));
  EXPECT_TRUE(client.receive());
}

TEST_F(HttpTls, AClientThatEndsWithoutSayingSoLeavesNothingBehind) {
  HttpLimits limits;
  limits.connections = 1;
  const ServedHttp http(echo, limits, context_);
  for (int i = 0; i < 20; ++i) {
    HttpClient client = http.connect();
    ASSERT_TRUE(client.start_tls()) << i;
    client.send(get("/"));
    ASSERT_TRUE(client.receive()) << i;
    // Destroyed without close_notify.
  }
}

TEST_F(HttpTls, RenegotiationIsRefused) {
  ::SSL_CTX_set_max_proto_version(context_->native_handle(), TLS1_2_VERSION);
  const ServedHttp http(echo, {}, context_);
  HttpClient client = http.connect();
  ASSERT_TRUE(client.start_tls());
  client.send(get("/1"));
  ASSERT_TRUE(client.receive());
  ASSERT_EQ(::SSL_renegotiate(client.tls()), 1);
  EXPECT_NE(::SSL_do_handshake(client.tls()), 1);
}

TEST_F(HttpTls, IsForConnectionsMadeFromThenOn) {
  ServedHttp http(echo);
  HttpClient before = http.connect();
  before.send(get("/plain"));
  ASSERT_TRUE(before.receive());
  http.with_server([this](HttpServer& server) { server.use_tls(context_); });
  before.send(get("/plain"));
  EXPECT_TRUE(before.receive()) << "an open connection stays what it is";
  HttpClient secured = http.connect();
  ASSERT_TRUE(secured.start_tls());

  http.with_server([](HttpServer& server) { server.use_tls(self_signed_context()); });
  secured.send(get("/old"));
  EXPECT_TRUE(secured.receive()) << "also with the certificate that it has seen";
  http.with_server([](HttpServer& server) { server.use_tls(nullptr); });
  EXPECT_TRUE(http.ask("/plain"));
}

}  // namespace
}  // namespace pghang
