#include "exporters/fingerprints.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "exporters/metrics/view_gauges.h"
#include "tests/exporters/golden.h"
#include "tests/exporters/sample_data.h"

/// The same hang many times over is one fingerprint.
namespace pghang {
namespace {

namespace json = boost::json;

/// Ten backends that hang in one place, one that did, and one that hangs elsewhere.
View ten_victims() {
  View view = sample::view();
  view.incidents.clear();
  for (int i = 0; i < 10; ++i) {
    Incident incident = sample::incident();
    incident.id += "-" + std::to_string(i);
    view.incidents.push_back(incident);
  }
  view.incidents[3].verdict->cause = Cause::interrupts_held;
  view.incidents[0].verdict->signature.reset();
  Incident over = sample::incident();
  over.stage = Stage::resolved;
  view.incidents.push_back(over);
  Incident elsewhere = sample::incident();
  elsewhere.target = "second";
  elsewhere.fingerprint->stable = "aaaa";
  elsewhere.fingerprint->text = "read | f | g";
  elsewhere.verdict->signature.reset();
  view.incidents.push_back(elsewhere);
  return view;
}

TEST(Fingerprints, OfTheSameHangOnTenBackendsAreOneWithCountTen) {
  const View view = ten_victims();
  const auto groups = fingerprint_groups(view);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].id, sample::fingerprint().stable);
  EXPECT_EQ(groups[0].backends, 10U);
  EXPECT_EQ(groups[0].incidents.size(), 11U);
  EXPECT_EQ(groups[0].signature, "copy-hang");
  EXPECT_EQ(groups[0].causes, (std::vector<std::string>{"blocking_call", "interrupts_held"}));
  EXPECT_EQ(groups[1].id, "aaaa");
  EXPECT_EQ(groups[1].backends, 1U);
  EXPECT_EQ(groups[1].signature, "");
  EXPECT_EQ(groups[1].targets, std::vector<std::string>{"second"});
}

TEST(Fingerprints, AreListedWithTheirText) {
  const json::value document = json::parse(fingerprints_json(ten_victims()));
  EXPECT_EQ(document.at_pointer("/fingerprints/0/id").as_string(), sample::fingerprint().stable);
  EXPECT_EQ(document.at_pointer("/fingerprints/0/text").as_string(), sample::fingerprint().text);
  EXPECT_EQ(document.at_pointer("/fingerprints/0/backends").as_int64(), 10);
  EXPECT_EQ(document.at_pointer("/fingerprints/0/incidents").as_int64(), 11);
  EXPECT_EQ(document.at_pointer("/fingerprints/0/algorithm").as_int64(), kFingerprintAlgorithm);
  EXPECT_TRUE(document.at_pointer("/fingerprints/1/signature").is_null());
}

TEST(Fingerprints, ShowTheirIncidents) {
  const View view = ten_victims();
  const json::value document = json::parse(fingerprint_json(fingerprint_groups(view)[1]));
  EXPECT_EQ(document.at("id").as_string(), "aaaa");
  ASSERT_EQ(document.at("incidents").as_array().size(), 1U);
  EXPECT_EQ(document.at_pointer("/incidents/0/target").as_string(), "second");
}

TEST(Fingerprints, EqualTheGoldenFiles) {
  const View view = ten_victims();
  expect_golden("fingerprints.json", fingerprints_json(view));
  expect_golden("fingerprint.json", fingerprint_json(fingerprint_groups(view)[1]));
}

TEST(Fingerprints, CountOnlyWhatTheFilterLetsThrough) {
  const View view = ten_victims();
  const auto second = fingerprint_groups(view, {.filter = {.target = "second"}});
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].id, "aaaa");
  EXPECT_TRUE(fingerprint_groups(view, {.filter = {.cause = Cause::frozen}}).empty());
}

TEST(Fingerprints, AreSortedAsAskedFor) {
  View view = ten_victims();
  const auto first = [&](FingerprintOrder order) {
    return fingerprint_groups(view, {.order = order})[0].id;
  };
  EXPECT_EQ(first(FingerprintOrder::backends), sample::fingerprint().stable);
  EXPECT_EQ(first(FingerprintOrder::incidents), sample::fingerprint().stable);
  for (Incident& incident : view.incidents)
    if (incident.fingerprint->stable == "aaaa") incident.opened_at_micros = sample::kNow;
  EXPECT_EQ(first(FingerprintOrder::latest), "aaaa");
}

TEST(Fingerprints, HaveOneInfoSeriesWithTheirSignature) {
  const ViewGauges gauges = view_gauges(ten_victims(), sample::kNow);
  const GaugeSeries expected{
      {{sample::fingerprint().stable, sample::fingerprint().text, "copy-hang"}, 1},
      {{"aaaa", "read | f | g", ""}, 1}};
  EXPECT_EQ(gauges.families.at("pghangd_fingerprint_info"), expected);
  const LabelValues key{"main", sample::fingerprint().stable, "blocking_call"};
  EXPECT_EQ(gauges.families.at("pghangd_fingerprint_backends").at(key), 9);
}

TEST(KnownBug, IsExportedOnlyForAnOpenIncidentOnAnAffectedRelease) {
  View view = sample::view();
  const auto bugs = [&view] {
    return view_gauges(view, sample::kNow).families.at("pghangd_known_bug_info");
  };
  EXPECT_EQ(bugs(), (GaugeSeries{{{"main", "copy-hang", "15.21"}, 1}}));
  for (const BugClaim claim : {BugClaim::possible, BugClaim::none}) {
    view.incidents[0].verdict->signature->claim = claim;
    EXPECT_EQ(bugs(), GaugeSeries{});
  }
  view.incidents[0].verdict->signature->claim = BugClaim::known;
  view.incidents[0].stage = Stage::resolved;
  EXPECT_EQ(bugs(), GaugeSeries{});
}

}  // namespace
}  // namespace pghang
