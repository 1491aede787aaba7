#include "exporters/api.h"

#include <array>
#include <map>
#include <vector>

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
           {"/assets/page.css", "text/css; charset=utf-8"},
           {"/assets/icon.svg", "image/svg+xml"},
           {"/assets/refresh.js", "text/javascript; charset=utf-8"},
           {"/incidents/20261122T151003Z-4711", "text/html; charset=utf-8"},
           {"/fingerprints/0123456789abcdef", "text/html; charset=utf-8"},
           {"/runbooks/", "text/html; charset=utf-8"},
           {"/runbooks/frozen", "text/html; charset=utf-8"},
           {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
           {"/-/healthy", "text/plain; charset=utf-8"},
           {"/-/ready", "text/plain; charset=utf-8"},
           {"/api/v1/status", "application/json"},
           {"/api/v1/backends", "application/json"},
           {"/api/v1/incidents", "application/json"},
           {"/api/v1/incidents/20261122T151003Z-4711", "application/json"},
           {"/api/v1/fingerprints", "application/json"},
           {"/api/v1/fingerprints/0123456789abcdef", "application/json"},
           {"/api/v1/openapi.yaml", "application/yaml"}}) {
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

TEST_F(ApiTest, PagesFollowOneAnotherByTheirLink) {
  const HttpResponse first = ask("/api/v1/incidents", "limit=1&target=main");
  const json::value document = json::parse(first.body);
  EXPECT_EQ(document.at("matching").as_int64(), 2);
  EXPECT_EQ(document.at_pointer("/incidents/0/id").as_string(), "20261122T151003Z-4711");
  const std::string begin = "<?";
  ASSERT_TRUE(first.link.starts_with(begin)) << first.link;
  ASSERT_TRUE(first.link.ends_with(">; rel=\"next\"")) << first.link;
  const HttpResponse second =
      ask("/api/v1/incidents", first.link.substr(2, first.link.find('>') - 2));
  EXPECT_EQ(
      json::parse(second.body).at_pointer("/incidents/0/id").as_string(),
      "20261122T140000Z-99"
  );
  EXPECT_TRUE(json::parse(second.body).at("next").is_null());
  EXPECT_EQ(second.link, "");
}

TEST_F(ApiTest, BadParametersAreAnswered400WithOneLineThatNamesThem) {
  const std::string incidents = "/api/v1/incidents";
  const std::string one = "/api/v1/incidents/20261122T151003Z-4711";
  for (const auto& [path, query, says] : std::vector<std::array<std::string, 3>>{
           {incidents, "limit=0", "limit: a whole number from 1"},
           {incidents, "limit=-1", "limit: a whole number from 1"},
           {incidents, "limit=x", "limit: a whole number from 1"},
           {incidents, "limit=1x", "limit: a whole number from 1"},
           {incidents, "limit=", "limit: is empty"},
           {incidents, "limit", "limit: is empty"},
           {incidents, "limit=99999999999999999999", "limit: a whole number from 1"},
           {incidents, "limit=1&limit=2", "limit: is there twice"},
           {incidents, "state=closed", "state: open or resolved"},
           {incidents, "limit=1&state=", "state: is empty"},
           {incidents, "gate=x", "gate: none, delivery, handler, service or exit"},
           {incidents, "cursor=x", "cursor: what `next` of an earlier answer said"},
           {incidents, "cursor=1.", "cursor: what `next` of an earlier answer said"},
           {incidents,
            "since=yesterday",
            "since: a time like 2026-11-22T15:12:03Z, or how long ago, like 2h"},
           {incidents,
            "until=2026-13-01T00:00:00Z",
            "until: a time like 2026-11-22T15:12:03Z, or how long ago, like 2h"},
           {incidents, "target=%0a", "the query has a broken escape"},
           {one, "format=xml", "format: text or json"},
           {one, "limit=1", "limit: unknown parameter; there is format"},
           {"/api/v1/status", "a=1", "a: unknown parameter; there is none"},
           {"/api/v1/openapi.yaml", "a=1", "a: unknown parameter; there is none"},
           {"/api/v1/backends", "exempt=yes", "exempt: true or false"},
           {"/api/v1/backends",
            "stage=resolved",
            "stage: watching, matched, cancel_sent, terminate_sent or unresponsive"},
           {"/api/v1/backends",
            "a=1",
            "a: unknown parameter; there are target, rule, stage and exempt"},
           {"/api/v1/fingerprints", "sort=asc", "sort: backends, incidents or latest"},
           {"/api/v1/fingerprints/0123456789abcdef",
            "a=1",
            "a: unknown parameter; there is none"}}) {
    const HttpResponse response = ask(path, query);
    EXPECT_EQ(response.status, 400) << path << '?' << query;
    EXPECT_EQ(json::parse(response.body).at("error").as_string(), says) << path << '?' << query;
    EXPECT_EQ(response.etag, "");
  }
}

TEST_F(ApiTest, EveryErrorBelowApiIsJsonAndElsewhereALine) {
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "/api/"},
           {"GET", "/api/v1/incidents/none"},
           {"GET", "/api/v1/fingerprints/none"},
           {"POST", "/api/v1/status"},
           {"DELETE", "/api/v1/incidents/20261122T151003Z-4711"}}) {
    const HttpResponse response = ask(path, "", method);
    EXPECT_EQ(response.content_type, "application/json") << path;
    EXPECT_EQ(json::parse(response.body).as_object().size(), 1U) << path;
    EXPECT_TRUE(json::parse(response.body).at("error").is_string()) << path;
  }
  EXPECT_EQ(ask("/incidents/none").content_type, "text/plain; charset=utf-8");
}

TEST_F(ApiTest, WhatTheClientHasAlreadyIsAnswered304) {
  const std::string path = "/api/v1/incidents/20261122T140000Z-99";
  const std::string etag = ask(path).etag;
  EXPECT_NE(etag, "");
  EXPECT_EQ(ask(path).etag, etag) << "a resolved incident stays as it is";
  EXPECT_NE(ask(path, "format=text").etag, etag);
  HttpRequest request{"GET", path, ""};
  request.if_none_match = etag;
  EXPECT_EQ(api_(request).status, 304);
  view_.incidents[1].rule = "another";
  EXPECT_EQ(api_(request).status, 200);
}

TEST_F(ApiTest, PagesAndTheApiHaveAnEtagAndTheOthersDoNot) {
  for (const Route& route : api_routes()) {
    if (route.method != "GET") continue;
    std::string path(route.path);
    if (const std::size_t id = path.find("{id}"); id != std::string::npos)
      path.replace(id, 4, path.find("incidents") < id ? view_.incidents[0].id : "0123456789abcdef");
    if (path == "/assets/{name}") path = "/assets/page.css";
    if (path == "/runbooks/{name}") path = "/runbooks/frozen";
    const HttpResponse response = ask(path);
    EXPECT_EQ(response.status, 200) << path;
    const bool plain = path == "/metrics" || path.starts_with("/-/");
    EXPECT_EQ(response.etag.empty(), plain) << path;
  }
}

TEST_F(ApiTest, ABrowserIsToldToAskAgainAndA304HasNoBody) {
  const ServedHttp http(api_);
  HttpClient client = http.connect();
  client.send(get("/assets/page.css"));
  const auto first = client.receive();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->fields.at("cache-control"), "private, no-cache");
  const std::string etag = first->fields.at("etag");
  client.send(get("/assets/page.css", "If-None-Match: W/" + etag + "\r\n"));
  const auto again = client.receive(true);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, 304);
  EXPECT_EQ(again->fields.at("etag"), etag);
  EXPECT_EQ(again->fields.at("cache-control"), "private, no-cache");
  EXPECT_FALSE(again->fields.contains("content-length"));
  client.send(get("/metrics", "If-None-Match: *\r\n"));
  const auto metrics = client.receive();
  ASSERT_TRUE(metrics) << "nothing of the 304 was taken for its body";
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->fields.at("cache-control"), "no-store");
  EXPECT_FALSE(metrics->fields.contains("etag"));
  client.send(get("/api/v1/incidents?limit=1"));
  const auto page = client.receive();
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->fields.at("link").ends_with("rel=\"next\""));
}

}  // namespace
}  // namespace pghang
