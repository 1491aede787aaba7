#include "exporters/lifecycle.h"

#include <gtest/gtest.h>

#include "exporters/api.h"
#include "exporters/http/query_string.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

class LifecycleTest : public testing::Test {
 protected:
  LifecycleTest() {
    Lifecycle& offered = api_.lifecycle;
    offered.pause = [this](Duration length, std::string reason, std::string by, auto reply) {
      done_ = "pause " + std::to_string(length.count()) + " " + reason + " by " + by;
      reply(answer_);
    };
    offered.resume = [this](const std::string& by, auto reply) {
      done_ = "resume by " + by;
      reply(answer_);
    };
    offered.reset_breakers = [this](auto target, auto rule, auto by) {
      done_ = "reset " + target + "/" + rule + " by " + by;
      return answer_;
    };
  }

  HttpResponse post(const std::string& path, const std::string& query = "", bool control = false) {
    const HttpRequest request{"POST", path, query, "me", control};
    HttpResponse response = api_(request);
    if (response.deferred) {
      const auto deferred = std::exchange(response.deferred, {});
      deferred([&response](HttpResponse late) { response = std::move(late); });
    }
    return response;
  }

  View view_ = sample::view();
  Metrics metrics_{"0.1.0"};
  Api api_{view_, metrics_, "/metrics", {}};
  LifecycleAnswer answer_{"done", true};
  std::string done_;
};

TEST_F(LifecycleTest, APauseIsToldHowLongWhyAndByWhom) {
  EXPECT_EQ(post("/-/pause", "for=1h30min&reason=disk+swap%21").status, 200);
  EXPECT_EQ(done_, "pause 5400000 disk swap! by me");
  EXPECT_EQ(post("/-/resume").status, 200);
  EXPECT_EQ(done_, "resume by me");
  EXPECT_EQ(post("/-/breaker/reset", "target=main&rule=stuck").status, 200);
  EXPECT_EQ(done_, "reset main/stuck by me");
}

TEST_F(LifecycleTest, WhatDoesNotLastIsAnswered202) {
  answer_ = {"paused; NOT kept", false};
  const HttpResponse response = post("/-/pause", "for=1h");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body, "paused; NOT kept\n");
}

TEST_F(LifecycleTest, BadRequestsDoNothingAndSayWhy) {
  for (const auto& [path, query] : std::vector<std::pair<std::string, std::string>>{
           {"/-/pause", ""},
           {"/-/pause", "for="},
           {"/-/pause", "for=soon"},
           {"/-/pause", "for=0s"},
           {"/-/pause", "for=31d"},
           {"/-/pause", "for=1h&for=2h"},
           {"/-/pause", "for=1h&why=x"},
           {"/-/pause", "for=1h&reason=%0a"},
           {"/-/pause", "for=1h&reason=%4"},
           {"/-/pause", "for=1h&reason=" + std::string(201, 'x')},
           {"/-/resume", "now=1"},
           {"/-/breaker/reset", "breaker=1"}}) {
    const HttpResponse response = post(path, query);
    EXPECT_EQ(response.status, 400) << path << '?' << query;
    EXPECT_GT(response.body.size(), 5U);
  }
  EXPECT_EQ(done_, "");
}

TEST_F(LifecycleTest, ByTcpItIsForbiddenUnlessEnabledByTheControlSocketNever) {
  api_.lifecycle_by_tcp = false;
  api_.reload = [this] {
    done_ = "reload";
    return std::string();
  };
  for (const char* path : {"/-/pause", "/-/resume", "/-/breaker/reset", "/-/reload"}) {
    const HttpResponse refused = post(path, "for=1h");
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_NE(refused.body.find("--web.enable-lifecycle"), std::string::npos);
  }
  EXPECT_EQ(done_, "");
  EXPECT_EQ(post("/-/pause", "for=1h", true).status, 200);
  EXPECT_EQ(post("/-/resume", "", true).status, 200);
  EXPECT_EQ(post("/-/reload", "", true).status, 200);
  EXPECT_EQ(done_, "reload");
}

TEST_F(LifecycleTest, OnlyPostChangesAnything) {
  for (const char* path : {"/-/pause", "/-/resume", "/-/breaker/reset"}) {
    const HttpResponse response = api_({"GET", path, "for=1h"});
    EXPECT_EQ(response.status, 405) << path;
    EXPECT_EQ(response.allow, "POST");
  }
  EXPECT_EQ(done_, "");
}

TEST(QueryString, IsDecodedAsItWasEncoded) {
  const std::string text = "a b&c=d%+\"'\xC3\xA9";
  EXPECT_EQ(parse_query("x=" + query_encoded(text)).value().at("x"), text);
  EXPECT_TRUE(parse_query("").value().empty());
  EXPECT_EQ(parse_query("a&b=").value().size(), 2U);
}

}  // namespace
}  // namespace pghang
