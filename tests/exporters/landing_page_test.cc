#include "exporters/pages/landing_page.h"

#include <gtest/gtest.h>

#include "tests/exporters/foreign_text.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

class LandingPage : public testing::Test {
 protected:
  [[nodiscard]] std::string page() const { return landing_page(view_, "/metrics", sample::kNow); }

  [[nodiscard]] BackendView& hung() { return view_.targets[0].backends[0]; }

  /// Beside hung(): `count` backends of the same fingerprint.
  void add_victims(int count) {
    for (int i = 0; i < count; ++i) {
      Incident incident = sample::incident();
      incident.id = "victim-" + std::to_string(i);
      BackendView backend = hung();
      backend.incident_id = incident.id;
      backend.activity.key.pid = 10'000 + i;
      view_.incidents.push_back(incident);
      view_.targets[0].backends.push_back(backend);
    }
  }

  View view_ = sample::view();
};

TEST_F(LandingPage, ShowsWhatIsHungWithItsFirstStepAndLeadsToItsIncident) {
  view_.incidents[0].verdict->release[0] = {"kill -CONT 4711", "none"};
  const std::string html = page();
  EXPECT_NE(html.find("<title>pghangd: 1 hung</title>"), std::string::npos);
  EXPECT_NE(html.find("<h1>1 backend is hung</h1>"), std::string::npos);
  EXPECT_NE(html.find("blocking_call"), std::string::npos);
  EXPECT_NE(html.find("until a writer opens that FIFO"), std::string::npos);
  EXPECT_NE(html.find("<code>kill -CONT 4711</code>"), std::string::npos);
  EXPECT_EQ(html.find("immediate mode"), std::string::npos) << "only the first step";
  EXPECT_NE(html.find("2 min 0 s"), std::string::npos);
  EXPECT_NE(html.find("1 waits behind"), std::string::npos);
  EXPECT_NE(html.find("href=\"incidents/20261122T151003Z-4711\""), std::string::npos);
  EXPECT_EQ(html.find("8 min 20 s"), std::string::npos) << "the watched backend is not listed";
}

TEST_F(LandingPage, SaysWhatTheServerRefusedInItsOwnWords) {
  EXPECT_EQ(page().find("<small>refused "), std::string::npos);
  hung().refused = "cancel: must be a superuser to cancel superuser query";
  EXPECT_NE(
      page().find("<small>refused cancel: must be a superuser to cancel superuser query</small>"),
      std::string::npos
  );
}

TEST_F(LandingPage, EscapesForeignText) {
  Activity& activity = hung().activity;
  activity.query = kForeignText;
  activity.application_name = activity.user = activity.database = kForeignText;
  hung().rule = hung().suppressed = hung().protected_by = hung().refused = kForeignText;
  TargetView& target = view_.targets[0];
  target.name = target.dsn = target.error = target.mode = target.not_local = kForeignText;
  target.other_daemon = kForeignText;
  target.breakers = {{kForeignText, true, 1}};
  target.up = false;
  target.local = false;
  target.server->version = kForeignText;
  view_.incidents[0].id = hung().incident_id = kForeignText;
  view_.incidents[0].verdict->summary = kForeignText;
  view_.mode = view_.version = kForeignText;
  view_.pause = {true, 1, std::nullopt, kForeignText, kForeignText, ""};
  expect_harmless(page());
}

TEST_F(LandingPage, HasTheHungOnesBeforeThoseThatAreOnlyMatched) {
  BackendView matched = hung();
  matched.stage = Stage::matched;
  matched.matched_seconds = 86'400;
  matched.exemption = "superuser";
  matched.incident_id.clear();
  view_.targets[0].backends.insert(view_.targets[0].backends.begin(), matched);
  const std::string html = page();
  EXPECT_LT(html.find("class=\"unresponsive\""), html.find("class=\"matched\""));
  EXPECT_NE(html.find("never signalled: superuser"), std::string::npos);
}

TEST_F(LandingPage, SaysTwoHundredVictimsOfOneHangOnce) {
  add_victims(199);
  const std::string html = page();
  EXPECT_NE(html.find("200 backends are hung"), std::string::npos);
  EXPECT_EQ(occurrences(html, "<article"), 1U);
  EXPECT_EQ(occurrences(html, "<tr class=\"unresponsive\" data-key=\"4711-"), 1U);
  EXPECT_NE(html.find("and 180 more"), std::string::npos);
}

TEST_F(LandingPage, HasWhatMostWaitBehindFirst) {
  Incident alone = sample::incident();
  alone.id = "alone";
  alone.wait_graph.reset();
  alone.fingerprint->stable = "ffffffffffffffff";
  BackendView backend = hung();
  backend.incident_id = "alone";
  backend.matched_seconds = 86'400;
  view_.incidents.push_front(alone);
  view_.targets[0].backends.push_back(backend);
  const std::string html = page();
  EXPECT_LT(html.find("fingerprints/0123456789abcdef"), html.find("fingerprints/ffffffffffffffff"));
}

TEST_F(LandingPage, OfOneThatOnlyWaitsSaysForWhomAndHowToFreeThat) {
  Incident& incident = view_.incidents[0];
  incident.verdict->cause = Cause::not_stuck;
  incident.verdict->release.clear();
  WaitGraph graph = *incident.wait_graph;
  graph.release = {{"SELECT pg_terminate_backend(7);", "none"}};
  incident.wait_graph = std::make_shared<const WaitGraph>(graph);
  const std::string html = page();
  EXPECT_NE(html.find("<h3>Waits for somebody else</h3>"), std::string::npos);
  EXPECT_NE(
      html.find("<p class=\"summary\">2 backends wait behind host pid 4800"),
      std::string::npos
  );
  EXPECT_NE(html.find("<code>SELECT pg_terminate_backend(7);</code>"), std::string::npos);
}

TEST_F(LandingPage, SaysWhatStopsSignals) {
  hung().suppressed = "protected";
  hung().protected_by = "nightly";
  view_.targets[0].other_daemon = "pid 7 (<b>)";
  view_.targets[0].breakers = {{"stuck", true, 12}, {"idle", false, 1}};
  view_.pause = {true, 1, std::nullopt, "uid 0", "<disk>", "read-only file system"};
  const std::string html = page();
  EXPECT_NE(html.find("not signalled: protected by nightly"), std::string::npos);
  EXPECT_NE(html.find("another pghangd signals here, pid 7 (&lt;b&gt;)"), std::string::npos);
  EXPECT_NE(html.find("rule stuck suddenly matched many, now 12"), std::string::npos);
  EXPECT_EQ(html.find("rule idle"), std::string::npos);
  EXPECT_NE(html.find("until somebody resumes, by uid 0: &lt;disk&gt;"), std::string::npos);
  EXPECT_NE(html.find("would undo what was asked last</b>: read-only"), std::string::npos);
}

TEST_F(LandingPage, SaysWhenNothingIsWrongAndWhenAServerIsDown) {
  view_.targets[0].backends.clear();
  EXPECT_NE(page().find("<h1>Nothing is hung</h1>"), std::string::npos);
  EXPECT_EQ(page().find("class=\"notices\""), std::string::npos);
  view_.targets[0].up = false;
  view_.targets[0].error = "connection refused";
  view_.ready = false;
  view_.config_last_reload_successful = false;
  view_.web_config = WebConfigView{"web.yml:1: <b>", {}};
  view_.mode = "observe";
  const std::string html = page();
  for (const char* words :
       {"DOWN</b> connection refused",
        "not ready",
        "last reload",
        "an old web configuration is in use</b>: web.yml:1: &lt;b&gt;",
        "sends no signal"})
    EXPECT_NE(html.find(words), std::string::npos) << words;
}

}  // namespace
}  // namespace pghang
