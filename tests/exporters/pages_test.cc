#include <gtest/gtest.h>

#include "exporters/pages/fingerprint_page.h"
#include "exporters/pages/incident_page.h"
#include "exporters/text.h"
#include "tests/exporters/golden.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

const std::string kAttack = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

/// Whatever a client, the file system or the operator can have a say in.
Incident attacked() {
  Incident incident = sample::incident();
  incident.target = incident.rule = kAttack;
  Activity& activity = incident.activity;
  activity.query = activity.backend_type = kAttack;
  activity.user = activity.database = activity.application_name = kAttack;
  activity.client_address = activity.state = activity.wait_event = kAttack;
  incident.timeline[1].note = kAttack;
  incident.capture_error = kAttack;
  Verdict& verdict = *incident.verdict;
  verdict.summary = verdict.detail = kAttack;
  verdict.release.at(0) = {kAttack, kAttack};
  verdict.signature = sample::signature();
  verdict.signature->title = verdict.signature->text = verdict.signature->advice = kAttack;
  incident.fingerprint->text = kAttack;
  Capture& capture = incident.evidence->capture;
  capture.wchan = kAttack;
  capture.syscall->text = kAttack;
  capture.syscall->fd->target = kAttack;
  capture.kernel_stack = {kAttack};
  capture.stack.frames.at(0).function = kAttack;
  capture.stack.frames.at(0).module = "/" + kAttack;
  capture.missing = {{kAttack, kAttack, kAttack}};
  RelatedProcess child;
  child.pid = 1;
  child.comm = child.address = kAttack;
  capture.children = {child};
  return incident;
}

void expect_harmless(const std::string& page) {
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos) << "its policy forbids inline styles";
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
}

FingerprintGroup only_group(const View& view) {
  const auto groups = fingerprint_groups(view);
  EXPECT_EQ(groups.size(), 1U);
  return groups.at(0);
}

TEST(IncidentPage, IsTheGoldenOne) {
  const View view = sample::view();
  expect_golden("incident.html", incident_page(view, view.incidents[0]));
}

TEST(IncidentPage, OfAHangWithoutCaptureSaysWhyThereIsNone) {
  const View view = sample::view();
  const std::string page = incident_page(view, view.incidents[1]);
  EXPECT_NE(page.find("No capture: worker restarted"), std::string::npos);
  EXPECT_NE(page.find("over after 10 s"), std::string::npos);
  EXPECT_EQ(page.find("<pre"), std::string::npos);
}

TEST(IncidentPage, EscapesForeignText) {
  View view = sample::view();
  view.incidents[0] = attacked();
  expect_harmless(incident_page(view, view.incidents[0]));
  view.incidents[0].evidence.reset();
  view.incidents[0].verdict.reset();
  expect_harmless(incident_page(view, view.incidents[0]));
}

TEST(IncidentPage, NamesOthersOfTheSameFingerprint) {
  View view = sample::view();
  Incident other = sample::incident();
  other.id = "other";
  view.incidents.push_back(other);
  const std::string page = incident_page(view, view.incidents[0]);
  EXPECT_NE(page.find("href=\"other\""), std::string::npos);
  EXPECT_NE(page.find("1 other of it"), std::string::npos);
}

TEST(FingerprintPage, IsTheGoldenOne) {
  const View view = sample::view();
  expect_golden("fingerprint.html", fingerprint_page(only_group(view)));
}

TEST(FingerprintPage, EscapesForeignText) {
  View view = sample::view();
  view.incidents[0] = attacked();
  expect_harmless(fingerprint_page(only_group(view)));
}

TEST(FingerprintPage, ShowsTheEvidenceOfAnOpenIncidentBeforeThatOfAnEndedOne) {
  View view = sample::view();
  Incident ended = view.incidents[0];
  ended.id = "ended";
  ended.stage = Stage::resolved;
  view.incidents.push_front(ended);
  const std::string page = fingerprint_page(only_group(view));
  EXPECT_NE(page.find("<b>1</b> hung now, 2 incidents kept"), std::string::npos);
  EXPECT_NE(
      page.find("evidence below is that of <a href=\"../incidents/20261122T151003Z-4711\""),
      std::string::npos
  );
}

}  // namespace
}  // namespace pghang
