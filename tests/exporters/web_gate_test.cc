#include "exporters/web_gate.h"

#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/http/own_names.h"

namespace pghang {
namespace {

/// alice:sesame, `htpasswd -nbBC 4`.
const NamedText kAlice{"alice", "$2y$04$jswGrLppjEuibEiDTFYor.s6f8b5dN5SPHJndNk5ETe55kGAdWPW."};
const std::string kAliceSesame = "Basic YWxpY2U6c2VzYW1l";
const std::string kAliceWrong = "Basic YWxpY2U6d3Jvbmc=";

/// What stands behind answers 200 to everything.
class Gates : public testing::Test {
 protected:
  explicit Gates(bool public_details = false)
      : gate_(
            WebGateRules{"/metrics", public_details, {"db1"}},
            [](const HttpRequest& request) {
              HttpResponse made;
              made.body = "behind " + request.path;
              return made;
            },
            loop_.get_executor()
        ) {}

  HttpResponse answer(const HttpRequest& request) {
    HttpResponse made = gate_.answer(request);
    if (!made.deferred) return made;
    std::optional<HttpResponse> late;
    made.deferred([&](HttpResponse response) { late = std::move(response); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!late && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_for(std::chrono::milliseconds(10));
    }
    return late.value_or(HttpResponse{});
  }

  int status(const HttpRequest& request) { return answer(request).status; }

  boost::asio::io_context loop_{1};
  WebGate gate_;
};

class PublicGates : public Gates {
 protected:
  PublicGates() : Gates(true) {}
};

HttpRequest ask(const std::string& path, bool loopback = true, const std::string& method = "GET") {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.loopback = loopback;
  request.host = "127.0.0.1:10187";
  return request;
}

HttpRequest with(HttpRequest request, const std::string& authorization) {
  request.authorization = authorization;
  return request;
}

WebConfig with_login() {
  WebConfig config;
  config.basic_auth_users = {kAlice};
  return config;
}

const char* const kDetails[] = {
    "/",
    "/incidents/1",
    "/fingerprints/1",
    "/api/v1/status",
    "/api/v1/backends",
    "/api/v1/incidents",
    "/api/v1/incidents/1",
    "/api/v1/fingerprints",
    "/metrics/",
    "/style.css"};

TEST_F(Gates, LoopbackIsShownAll) {
  for (const char* path : kDetails)
    EXPECT_EQ(status(ask(path)), 200) << path;
  EXPECT_EQ(status(ask("/-/pause", true, "POST")), 200);
}

TEST_F(Gates, OthersAreShownMetricsHealthAndRunbooksOnly) {
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/runbooks/frozen"})
    EXPECT_EQ(status(ask(path, false)), 200) << path;
  for (const char* path : kDetails) {
    const HttpResponse refused = answer(ask(path, false));
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_THAT(refused.body, testing::HasSubstr("web.public_details: true"));
    EXPECT_EQ(refused.body.find('\n'), refused.body.size() - 1);
  }
}

TEST_F(Gates, OthersWithoutALoginMayNotChangeAnything) {
  for (const char* path : {"/-/pause", "/-/reload", "/metrics"})
    EXPECT_EQ(status(ask(path, false, "POST")), 403) << path;
}

TEST_F(PublicGates, EverybodyIsShownAllAndMayStillNotChangeAnything) {
  for (const char* path : kDetails)
    EXPECT_EQ(status(ask(path, false)), 200) << path;
  EXPECT_EQ(status(ask("/-/pause", false, "POST")), 403);
}

TEST_F(Gates, WithALoginNoPathIsOpenWithoutIt) {
  gate_.configure(with_login());
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/", "/api/v1/incidents"}) {
    for (const bool loopback : {true, false}) {
      const HttpResponse refused = answer(ask(path, loopback));
      EXPECT_EQ(refused.status, 401) << path;
      EXPECT_THAT(refused.challenge, testing::StartsWith("Basic realm="));
      EXPECT_EQ(status(with(ask(path, loopback), kAliceWrong)), 401) << path;
      EXPECT_EQ(status(with(ask(path, loopback), kAliceSesame)), 200) << path;
    }
  }
  EXPECT_EQ(gate_.login().computed(), 2U);
}

TEST_F(Gates, WhoLoggedInMayChangeThings) {
  gate_.configure(with_login());
  EXPECT_EQ(status(with(ask("/-/pause", false, "POST"), kAliceSesame)), 200);
  EXPECT_EQ(status(ask("/-/pause", false, "POST")), 401);
}

TEST_F(Gates, TheControlSocketNeedsNoLogin) {
  gate_.configure(with_login());
  HttpRequest request = ask("/-/pause", false, "POST");
  request.control = true;
  EXPECT_EQ(status(request), 200);
}

TEST_F(Gates, AVerifiedCertificateIsALogin) {
  HttpRequest request = ask("/", false);
  EXPECT_EQ(status(request), 403);
  request.client_verified = true;
  EXPECT_EQ(status(request), 200);
  request.method = "POST";
  EXPECT_EQ(status(request), 200);
}

TEST_F(Gates, APageInABrowserCannotChangeAnything) {
  HttpRequest request = ask("/-/pause", true, "POST");
  request.from_browser = true;
  EXPECT_EQ(status(request), 403);
  gate_.configure(with_login());
  EXPECT_EQ(status(with(request, kAliceSesame)), 403);
  request.method = "GET";
  EXPECT_EQ(status(with(request, kAliceSesame)), 200);
}

TEST_F(Gates, ANameThatWasMadeToLeadHereSeesNoDetails) {
  HttpRequest request = ask("/");
  request.host = "evil.example.com:10187";
  EXPECT_EQ(status(request), 403);
  request.path = "/metrics";
  EXPECT_EQ(status(request), 200);
  request.path = "/";
  request.host = "DB1:10187";
  EXPECT_EQ(status(request), 200);
  gate_.know_names({"db1.example.com"});
  request.host = "db1.example.com";
  EXPECT_EQ(status(request), 200);
}

TEST_F(Gates, MoreThanTheRateAllowsIsAnswered429) {
  WebConfig config;
  config.rate_limit = {std::chrono::hours(1), 2};
  gate_.configure(config);
  EXPECT_EQ(status(ask("/metrics")), 200);
  EXPECT_EQ(status(ask("/metrics")), 200);
  EXPECT_EQ(status(ask("/metrics")), 429);
  gate_.configure(config);
  EXPECT_EQ(status(ask("/metrics")), 429);
}

TEST_F(Gates, AnAnswerThatComesLaterComesThroughALoginToo) {
  WebGate gate(
      WebGateRules{"/metrics", false, {}},
      [](const HttpRequest&) {
        HttpResponse later;
        later.deferred = [](const std::function<void(HttpResponse)>& send) {
          HttpResponse made;
          made.status = 202;
          send(made);
        };
        return later;
      },
      loop_.get_executor()
  );
  gate.configure(with_login());
  HttpResponse first = gate.answer(with(ask("/"), kAliceSesame));
  ASSERT_TRUE(first.deferred);
  int status = 0;
  first.deferred([&](const HttpResponse& made) { status = made.status; });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (status == 0 && std::chrono::steady_clock::now() < deadline) {
    loop_.restart();
    loop_.run_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(status, 202);
}

TEST(OwnNames, AnAddressLocalhostAndThoseThatAreToldAreOurs) {
  for (const char* host :
       {"",
        "localhost",
        "LOCALHOST:10187",
        "a.localhost",
        "127.0.0.1:1",
        "10.0.0.5",
        "[::1]:10187",
        "[fe80::1]",
        "db1:10187"})
    EXPECT_TRUE(names_this_host(host, {"db1"})) << host;
  for (const char* host : {"evil", "db1.evil:10187", "127.0.0.1.evil", "localhost.evil"})
    EXPECT_FALSE(names_this_host(host, {"db1"})) << host;
  EXPECT_EQ(host_of("https://DB1.example.com:8443/hang"), "db1.example.com");
  EXPECT_EQ(host_of("http://[::1]:10187"), "::1");
}

TEST(TokenBucket, LetsABurstThroughAndThenOneEachInterval) {
  using namespace std::chrono_literals;
  TokenBucket bucket(RateLimit{1000ms, 2});
  const TokenBucket::Clock::time_point start{100s};
  EXPECT_TRUE(bucket.take(start));
  EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + 900ms));
  EXPECT_TRUE(bucket.take(start + 1900ms));
  EXPECT_TRUE(bucket.take(start + 1h));
  EXPECT_TRUE(bucket.take(start + 1h));
  EXPECT_FALSE(bucket.take(start + 1h));
  TokenBucket none{RateLimit{}};
  EXPECT_TRUE(none.take(start));
}

}  // namespace
}  // namespace pghang
