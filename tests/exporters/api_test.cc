#include "exporters/api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

namespace json = boost::json;

class ApiTest : public testing::Test {
 protected:
  [[nodiscard]] HttpResponse
  ask(const std::string& path, const std::string& query = "", const std::string& method = "GET") {
    return api_({method, path, query});
  }

  View view_ = sample::view();
  Metrics metrics_{"0.1.0"};
  Api api_{view_, metrics_, "/metrics", {}};
};

TEST_F(ApiTest, EveryRouteIsServedOverASocket) {
  const ServedHttp http(api_);
  for (const auto& [path, type] : std::map<std::string, std::string>{
           {"/", "text/html; charset=utf-8"},
           {"/style.css", "text/css; charset=utf-8"},
           {"/incidents/20261122T151003Z-4711", "text/html; charset=utf-8"},
           {"/fingerprints/0123456789abcdef", "text/html; charset=utf-8"},
           {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
           {"/-/healthy", "text/plain; charset=utf-8"},
           {"/-/ready", "text/plain; charset=utf-8"},
           {"/api/v1/status", "application/json"},
           {"/api/v1/backends", "application/json"},
           {"/api/v1/incidents", "application/json"},
           {"/api/v1/incidents/20261122T151003Z-4711", "application/json"},
           {"/api/v1/fingerprints", "application/json"},
           {"/api/v1/fingerprints/0123456789abcdef", "application/json"}}) {
    const auto response = http.ask(path);
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->status, 200) << path;
    EXPECT_EQ(response->fields.at("content-type"), type) << path;
    EXPECT_TRUE(response->body.ends_with('\n')) << path;
    const auto head = http.ask(path, "HEAD");
    ASSERT_TRUE(head) << path;
    EXPECT_EQ(head->status, 200) << path;
    const auto post = http.ask(path, "POST");
    ASSERT_TRUE(post) << path;
    EXPECT_EQ(post->status, 405) << path;
    EXPECT_EQ(post->fields.at("allow"), "GET, HEAD") << path;
  }
}

TEST_F(ApiTest, TheTelemetryPathIsTheOneConfigured) {
  const Api api{view_, metrics_, "/internal/metrics", {}};
  EXPECT_EQ(api({"GET", "/internal/metrics", ""}).status, 200);
  EXPECT_EQ(api({"GET", "/metrics", ""}).status, 404);
  EXPECT_NE(api({"GET", "/", ""}).body.find("href=\"internal/metrics\""), std::string::npos);
}

TEST_F(ApiTest, ReadyIsRefusedUntilTheFirstPollAndHealthyIsNot) {
  view_.ready = false;
  EXPECT_EQ(ask("/-/ready").status, 503);
  EXPECT_EQ(ask("/-/healthy").status, 200);
  view_.ready = true;
  EXPECT_EQ(ask("/-/ready").status, 200);
}

TEST_F(ApiTest, ReloadIsForbiddenWithAHintUnlessEnabled) {
  const HttpResponse off = ask("/-/reload", "", "POST");
  EXPECT_EQ(off.status, 403);
  EXPECT_NE(off.body.find("--web.enable-lifecycle"), std::string::npos);
  const HttpResponse got = ask("/-/reload");
  EXPECT_EQ(got.status, 405);
  EXPECT_EQ(got.allow, "POST");
}

TEST_F(ApiTest, ReloadIsDoneOncePerPostAndItsErrorIsReported) {
  int reloads = 0;
  std::string problem;
  api_.reload = [&] {
    ++reloads;
    return problem;
  };
  EXPECT_EQ(ask("/-/reload").status, 405);
  EXPECT_EQ(reloads, 0);
  EXPECT_EQ(ask("/-/reload", "", "POST").status, 200);
  EXPECT_EQ(reloads, 1);
  problem = "pghangd.yaml:3: mode: unknown";
  const HttpResponse failed = ask("/-/reload", "", "POST");
  EXPECT_EQ(failed.status, 500);
  EXPECT_NE(failed.body.find(problem), std::string::npos);
}

TEST_F(ApiTest, WhatIsNotThereIsAnswered404AndSaysWhatIs) {
  const HttpResponse page = ask("/nonsense");
  EXPECT_EQ(page.status, 404);
  EXPECT_NE(page.body.find("/metrics"), std::string::npos);
  const HttpResponse resource = ask("/api/v2/status");
  EXPECT_EQ(resource.status, 404);
  const json::value document = json::parse(resource.body);
  EXPECT_NE(document.at("error").as_string().find("/api/v1/incidents"), json::string::npos);
  EXPECT_EQ(ask("/api/v1/incidents/nonsense").status, 404);
  EXPECT_EQ(ask("/api/v1/incidents/").status, 404);
  EXPECT_EQ(ask("/api/v1/fingerprints/nonsense").status, 404);
  EXPECT_EQ(ask("/api/v1/fingerprints/").status, 404);
}

TEST_F(ApiTest, IncidentsAreFilteredByStateAndLimit) {
  const auto count = [&](const std::string& query) {
    return json::parse(ask("/api/v1/incidents", query).body).at("incidents").as_array().size();
  };
  EXPECT_EQ(count(""), 2U);
  EXPECT_EQ(count("state=open"), 1U);
  EXPECT_EQ(count("limit=1"), 1U);
  EXPECT_EQ(count("limit=5&state=resolved"), 1U);
}

TEST_F(ApiTest, BadParametersAreAnswered400WithTheReason) {
  for (const char* query :
       {"limit=0",
        "limit=-1",
        "limit=x",
        "limit=1x",
        "limit=",
        "limit",
        "limit=99999999999999999999",
        "state=closed",
        "state",
        "sort=asc",
        "limit=1&state="}) {
    const HttpResponse response = ask("/api/v1/incidents", query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_TRUE(json::parse(response.body).at("error").is_string()) << query;
  }
}

TEST_F(ApiTest, ThePageShowsWhatIsHungAndLinksToItsIncident) {
  const std::string page = ask("/").body;
  EXPECT_NE(page.find("<title>pghangd: 1 hung</title>"), std::string::npos);
  EXPECT_NE(page.find("blocking_call"), std::string::npos);
  EXPECT_NE(page.find("until a writer opens that FIFO"), std::string::npos);
  EXPECT_NE(page.find("2 min 0 s"), std::string::npos);
  EXPECT_NE(page.find("href=\"incidents/20261122T151003Z-4711\""), std::string::npos);
  EXPECT_EQ(page.find("8 min 20 s"), std::string::npos) << "the watched backend is not listed";
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos) << "its policy forbids inline styles";
}

TEST_F(ApiTest, ThePageEscapesForeignText) {
  const std::string attack = "\"><script>alert(1)</script>";
  Activity& activity = view_.targets[0].backends[0].activity;
  activity.query = attack;
  activity.application_name = attack;
  activity.user = attack;
  activity.database = attack;
  view_.targets[0].backends[0].rule = attack;
  view_.targets[0].name = attack;
  view_.targets[0].dsn = attack;
  view_.targets[0].error = attack;
  view_.targets[0].up = false;
  view_.targets[0].server->version = attack;
  view_.targets[0].backends[0].incident_id = attack;
  view_.incidents[0].id = attack;
  view_.incidents[0].verdict->summary = attack;
  view_.mode = attack;
  view_.version = attack;
  const std::string page = ask("/").body;
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("\">&lt;"), page.find("\">&lt;script")) << "only as the text of a link";
  EXPECT_NE(page.find("&quot;&gt;&lt;script&gt;alert(1)"), std::string::npos);
}

TEST_F(ApiTest, ThePageSortsTheWorstFirst) {
  BackendView matched = view_.targets[0].backends[0];
  matched.stage = Stage::matched;
  matched.matched_seconds = 86'400;
  matched.exemption = "superuser";
  matched.incident_id.clear();
  view_.targets[0].backends.insert(view_.targets[0].backends.begin(), matched);
  const std::string page = ask("/").body;
  EXPECT_LT(page.find("class=\"unresponsive\""), page.find("class=\"matched\""));
  EXPECT_NE(page.find("never signalled: superuser"), std::string::npos);
}

TEST_F(ApiTest, ThePageSaysWhatStopsSignals) {
  view_.targets[0].backends[0].suppressed = "protected";
  view_.targets[0].backends[0].protected_by = "nightly";
  view_.targets[0].other_daemon = "pid 7 (<b>)";
  view_.targets[0].breakers = {{"stuck", true, 12}, {"idle", false, 1}};
  view_.pause = {true, 1, std::nullopt, "uid 0", "<disk>", ""};
  const std::string page = ask("/").body;
  EXPECT_NE(page.find("not signalled: protected by nightly"), std::string::npos);
  EXPECT_NE(page.find("another pghangd signals here, pid 7 (&lt;b&gt;)"), std::string::npos);
  EXPECT_NE(page.find("rule stuck suddenly matched many, now 12"), std::string::npos);
  EXPECT_EQ(page.find("rule idle"), std::string::npos);
  EXPECT_NE(page.find("until somebody resumes, by uid 0: &lt;disk&gt;"), std::string::npos);
}

TEST_F(ApiTest, ThePageSaysWhenNothingIsWrongAndWhenAServerIsDown) {
  view_.targets[0].backends.clear();
  EXPECT_NE(ask("/").body.find("No backend is hung"), std::string::npos);
  view_.targets[0].up = false;
  view_.targets[0].error = "connection refused";
  view_.ready = false;
  view_.config_last_reload_successful = false;
  const std::string page = ask("/").body;
  EXPECT_NE(page.find("DOWN</b> connection refused"), std::string::npos);
  EXPECT_NE(page.find("not ready"), std::string::npos);
  EXPECT_NE(page.find("last reload"), std::string::npos);
}

}  // namespace
}  // namespace pghang
