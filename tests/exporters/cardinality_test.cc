#include <algorithm>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "exporters/metrics.h"
#include "exporters/view_gauges.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

constexpr std::size_t kFingerprints = 10'000;
constexpr std::ptrdiff_t kSeriesLimit = 1'500;

/// Sample lines that begin with `prefix`.
std::ptrdiff_t samples(const std::string& exposition, const std::string& prefix) {
  std::istringstream lines(exposition);
  std::ptrdiff_t count = 0;
  for (std::string line; std::getline(lines, line);)
    count += !line.starts_with('#') && line.starts_with(prefix) ? 1 : 0;
  return count;
}

Incident hung(std::size_t number) {
  Incident incident;
  incident.id = std::to_string(number);
  incident.target = "main";
  incident.rule = "rule";
  incident.stage = Stage::unresponsive;
  incident.opened_at_micros = sample::kNow;
  incident.verdict = sample::verdict();
  incident.verdict->cause =
      static_cast<Cause>(number % (static_cast<std::size_t>(Cause::unknown) + 1));
  incident.fingerprint = sample::fingerprint();
  incident.fingerprint->stable = "fingerprint" + std::to_string(number);
  return incident;
}

View many_hangs() {
  View view = sample::view();
  view.incidents.clear();
  for (std::size_t i = 0; i < kFingerprints; ++i)
    view.incidents.push_back(hung(i));
  return view;
}

TEST(Cardinality, TenThousandFingerprintsOfEveryCauseStayUnderFifteenHundredSeries) {
  Metrics metrics("0.1.0");
  const std::string text = metrics.render(many_hangs(), sample::kNow);
  EXPECT_LT(samples(text, ""), kSeriesLimit);
  EXPECT_EQ(samples(text, "pghangd_fingerprint_backends{"), kFingerprintLimit);
  EXPECT_EQ(samples(text, "pghangd_fingerprint_info{"), kFingerprintLimit);
  RecordProperty("series", static_cast<int>(samples(text, "")));
}

TEST(Cardinality, WhatIsLeftOutIsCountedOnceHoweverOftenItIsScraped) {
  Metrics metrics("0.1.0");
  const View view = many_hangs();
  (void)metrics.render(view, sample::kNow);
  const std::string again = metrics.render(view, sample::kNow);
  EXPECT_NE(
      again.find(
          "\npghangd_fingerprints_dropped_total " +
          std::to_string(kFingerprints - kFingerprintLimit) + "\n"
      ),
      std::string::npos
  );
}

TEST(Cardinality, SeriesOfHangsThatAreOverAreGone) {
  Metrics metrics("0.1.0");
  View view = many_hangs();
  (void)metrics.render(view, sample::kNow);
  for (Incident& incident : view.incidents)
    incident.stage = Stage::resolved;
  const std::string text = metrics.render(view, sample::kNow);
  for (const char* family :
       {"pghangd_fingerprint_backends{",
        "pghangd_fingerprint_info{",
        "pghangd_unresponsive_backends{",
        "pghangd_unresponsive_seconds_max{",
        "pghangd_known_bug_info{"})
    EXPECT_EQ(samples(text, family), 0) << family;
}

}  // namespace
}  // namespace pghang
