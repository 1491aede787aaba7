#include <gtest/gtest.h>

#include "exporters/pages/assets.h"
#include "exporters/pages/fingerprint_page.h"
#include "exporters/pages/incident_page.h"
#include "tests/exporters/foreign_text.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

/// Whatever a client, the file system or the operator can have a say in.
Incident attacked() {
  Incident incident = sample::incident();
  incident.target = incident.rule = kForeignText;
  Activity& activity = incident.activity;
  activity.query = activity.backend_type = kForeignText;
  activity.user = activity.database = activity.application_name = kForeignText;
  activity.client_address = activity.state = activity.wait_event = kForeignText;
  incident.timeline[1].note = kForeignText;
  incident.signals = {{kForeignText, 0, {}, {}, {}}};
  incident.capture_error = kForeignText;
  Verdict& verdict = *incident.verdict;
  verdict.summary = verdict.detail = kForeignText;
  verdict.release.at(0) = {"kill -TERM " + kForeignText, kForeignText};
  verdict.signature = sample::signature();
  verdict.signature->title = verdict.signature->text = verdict.signature->advice = kForeignText;
  incident.fingerprint->text = kForeignText;
  Capture& capture = incident.evidence->capture;
  capture.wchan = kForeignText;
  capture.syscall->text = kForeignText;
  capture.syscall->fd->target = kForeignText;
  capture.kernel_stack = {kForeignText};
  capture.stack.frames.at(0).function = kForeignText;
  capture.stack.frames.at(0).module = "/" + kForeignText;
  capture.missing = {{kForeignText, kForeignText, kForeignText}};
  RelatedProcess child;
  child.pid = 1;
  child.comm = child.address = kForeignText;
  capture.children = {child};
  WaitGraph graph = *incident.wait_graph;
  graph.summary = kForeignText;
  graph.release = {{"SELECT " + kForeignText, kForeignText}};
  for (WaitNode& node : graph.nodes)
    node.name = node.state = kForeignText;
  for (WaitEdge& edge : graph.edges)
    edge.detail = kForeignText;
  incident.wait_graph = std::make_shared<const WaitGraph>(graph);
  return incident;
}

FingerprintGroup only_group(const View& view) {
  const auto groups = fingerprint_groups(view);
  EXPECT_EQ(groups.size(), 1U);
  return groups.at(0);
}

std::string sample_page() {
  const View view = sample::view();
  return incident_page(view, view.incidents[0], sample::kNow);
}

TEST(IncidentPage, SaysWhyAndWhatToDoBeforeAnythingElse) {
  const std::string page = sample_page();
  std::size_t last = 0;
  for (const char* words :
       {"Backend 4711 of main",
        "unresponsive</b>, open for 2 min 0 s",
        "1 backend waits behind it",
        "Waits in a system call that goes on after every signal",
        "until a writer opens that FIFO",
        "Known bug:</b> COPY opens a FIFO",
        "What would free it",
        "price: none",
        "Timeline",
        "COPY t FROM ?",
        "Where it is",
        "FLOCK WRITE, held by 4800 cat (S)",
        "Who waits for whom",
        "<svg class=\"waits\"",
        "Stacks",
        "wait_for_partner+0x3d",
        "Not available",
        "CAP_SYS_ADMIN",
        "The same hang"}) {
    const std::size_t at = page.find(words, last);
    EXPECT_NE(at, std::string::npos) << words << " is not behind what comes before it";
    if (at != std::string::npos) last = at;
  }
}

TEST(IncidentPage, NumbersFramesAcrossThoseLeftOutAndSaysWhatTheirMarksMean) {
  const std::string page = sample_page();
  EXPECT_NE(page.find("#1</span>  * <b>AllocateFile(char const*, char const*)"), std::string::npos);
  EXPECT_NE(page.find("40 frames left out"), std::string::npos);
  EXPECT_NE(page.find("#42</span>"), std::string::npos);
  EXPECT_NE(page.find("<li>* found by a scan of the stack"), std::string::npos);
}

TEST(IncidentPage, TellsTheSessionAsOfTheLatestPoll) {
  View view = sample::view();
  view.targets[0].backends[0].activity.query = "newer";
  EXPECT_NE(
      incident_page(view, view.incidents[0], sample::kNow).find("<dd>newer</dd>"),
      std::string::npos
  );
  view.targets[0].backends.clear();
  EXPECT_NE(
      incident_page(view, view.incidents[0], sample::kNow).find("<dd>COPY t FROM ?</dd>"),
      std::string::npos
  );
}

TEST(IncidentPage, OfAHangWithoutCaptureSaysWhyThereIsNone) {
  const View view = sample::view();
  const std::string page = incident_page(view, view.incidents[1], sample::kNow);
  EXPECT_NE(page.find("No capture: worker restarted"), std::string::npos);
  EXPECT_NE(page.find("took 10 s"), std::string::npos);
  EXPECT_EQ(page.find("<pre"), std::string::npos);
  EXPECT_EQ(page.find("<svg"), std::string::npos);
}

TEST(IncidentPage, EscapesForeignText) {
  View view = sample::view();
  view.incidents[0] = attacked();
  expect_harmless(incident_page(view, view.incidents[0], sample::kNow));
  view.incidents[0].evidence.reset();
  view.incidents[0].verdict.reset();
  expect_harmless(incident_page(view, view.incidents[0], sample::kNow));
}

TEST(IncidentPage, NamesOthersOfTheSameFingerprint) {
  View view = sample::view();
  EXPECT_NE(sample_page().find("No other incident of it is kept"), std::string::npos);
  Incident other = sample::incident();
  other.id = "other";
  view.incidents.push_back(other);
  const std::string page = incident_page(view, view.incidents[0], sample::kNow);
  EXPECT_NE(page.find("href=\"other\""), std::string::npos);
  EXPECT_NE(page.find("1 other incident of it"), std::string::npos);
}

TEST(FingerprintPage, EscapesForeignText) {
  View view = sample::view();
  view.incidents[0] = attacked();
  expect_harmless(fingerprint_page(only_group(view), sample::kNow));
}

TEST(FingerprintPage, ShowsTheEvidenceOfAnOpenIncidentBeforeThatOfAnEndedOne) {
  View view = sample::view();
  Incident ended = view.incidents[0];
  ended.id = "ended";
  ended.stage = Stage::resolved;
  view.incidents.push_front(ended);
  const std::string page = fingerprint_page(only_group(view), sample::kNow);
  EXPECT_NE(page.find("<b>1</b> open now, 2 incidents kept"), std::string::npos);
  EXPECT_NE(page.find("2 incidents in the last 24 hours"), std::string::npos);
  EXPECT_NE(
      page.find("evidence below is that of <a href=\"../incidents/20261122T151003Z-4711\""),
      std::string::npos
  );
}

TEST(Assets, EachHasItsTypeAndNoOtherPathIsOne) {
  for (const char* path : {"/assets/page.css", "/assets/refresh.js", "/assets/icon.svg"}) {
    const Asset* asset = find_asset(path);
    ASSERT_NE(asset, nullptr) << path;
    EXPECT_TRUE(asset->text.ends_with('\n')) << path;
  }
  EXPECT_EQ(find_asset("/assets/copy.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(find_asset("/assets/"), nullptr);
  EXPECT_EQ(find_asset("/assets/../page.css"), nullptr);
}

}  // namespace
}  // namespace pghang
