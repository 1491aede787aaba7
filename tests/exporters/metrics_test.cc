#include "exporters/metrics/metrics.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "exporters/metrics/view_gauges.h"
#include "tests/exporters/golden.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

using std::chrono::milliseconds;

/// The sample lines of an exposition: series text → value.
std::map<std::string, double> series_of(const std::string& text) {
  std::map<std::string, double> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t space = line.rfind(' ');
    series[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return series;
}

std::set<std::string> families_of(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    static constexpr std::string_view kType = "# TYPE ";
    if (line.starts_with(kType)) names.insert(line.substr(kType.size()));
  }
  return names;
}

std::string rendered(Metrics& metrics, const View& view = sample::view()) {
  return metrics.render(view, sample::kNow);
}

/// One of each event.
void tell_everything(Metrics& metrics) {
  metrics.poll("main", "success", milliseconds(3));
  metrics.poll("main", "timeout", milliseconds(2000));
  metrics.lock_statement("main", "success");
  metrics.signal("main", "cancel", "accepted");
  metrics.signal_window("main", milliseconds(2));
  metrics.signal_effect("main", "cancel", milliseconds(40));
  metrics.signal_seen("main", "cancel", milliseconds(5));
  metrics.signal_serviced("main", "cancel", milliseconds(20));
  metrics.incident_resolved("main", "blocking_call", "terminated");
  metrics.action_suppressed("main", "superuser");
  metrics.capture(CaptureMethod::ptrace_stop, "success", 0.00003, 0.06);
  metrics.bundle("written");
  metrics.sampler(2, 1);
  metrics.store(true, 49'152, 2, 1);
  metrics.signal_unrecorded();
}

TEST(Metrics, WhatIsRenderedAndTheCatalogueAreTheSame) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  std::set<std::string> catalogue;
  for (const MetricDescription& row : metric_catalogue())
    catalogue.insert(std::string(row.name) + ' ' + row.type);
  EXPECT_EQ(families_of(rendered(metrics)), catalogue);
}

TEST(Metrics, LabelsAreThoseOfTheCatalogue) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  std::map<std::string, std::string> labels;
  for (const MetricDescription& row : metric_catalogue())
    labels[row.name] = row.labels;
  for (const auto& [series, value] : series_of(rendered(metrics))) {
    const std::size_t brace = series.find('{');
    if (brace == std::string::npos || series.find("le=\"") != std::string::npos) continue;
    std::string name = series.substr(0, brace);
    for (const char* suffix : {"_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - std::string(suffix).size());
    }
    ASSERT_TRUE(labels.contains(name)) << name;
    std::istringstream wanted(labels[name]);
    for (std::string label; std::getline(wanted, label, ',');)
      EXPECT_NE(series.find(label + "=\""), std::string::npos) << series;
  }
}

TEST(Metrics, EqualsTheGoldenFile) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  std::string text;
  std::istringstream lines(rendered(metrics));
  for (std::string line; std::getline(lines, line);) {
    const bool of_this_run = line.starts_with("process_") && !line.starts_with("process_start");
    text += (of_this_run ? line.substr(0, line.find(' ')) + " ..." : line) + '\n';
  }
  expect_golden("metrics.txt", text);
}

TEST(Metrics, PromtoolFindsNothingToImprove) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  std::array<char, 32> path{"/tmp/pghangd-metrics-XXXXXX"};
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path.data()) << rendered(metrics);
  const std::string command =
      std::string("command -v promtool >/dev/null || { echo not installed; exit 3; }; ") +
      "promtool check metrics 2>&1 <" + path.data();
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 4096> chunk{};
  while (const std::size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe))
    output.append(chunk.data(), size);
  const int status = ::pclose(pipe);
  ::unlink(path.data());
  if (WEXITSTATUS(status) == 3 && output == "not installed\n")
    GTEST_SKIP() << "promtool is not installed (package prometheus)";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(output, "");
}

TEST(Metrics, KnownCountersAndHistogramsStartAtZeroWithTheTargetsFirstView) {
  Metrics metrics("0.1.0");
  const auto before = series_of(metrics.render(View{}, sample::kNow));
  EXPECT_FALSE(
      before.contains(R"(pghangd_signals_total{outcome="accepted",signal="cancel",target="main"})")
  );
  const auto series = series_of(rendered(metrics));
  for (const char* signal : {"cancel", "terminate"}) {
    for (const char* outcome : {"accepted", "refused", "superseded", "unknown"}) {
      const std::string name = std::string("pghangd_signals_total{outcome=\"") + outcome +
                               "\",signal=\"" + signal + "\",target=\"main\"}";
      ASSERT_TRUE(series.contains(name)) << name;
      EXPECT_EQ(series.at(name), 0) << name;
    }
  }
  EXPECT_EQ(series.at(R"(pghangd_polls_total{result="timeout",target="main"})"), 0);
  EXPECT_EQ(series.at(R"(pghangd_signal_window_seconds_count{target="main"})"), 0);
  EXPECT_EQ(
      series.at(
          R"(pghangd_incidents_total{cause="blocking_call",outcome="self_resolved",target="main"})"
      ),
      0
  ) << "an open incident's possible ends are known ahead";
}

TEST(Metrics, CountersKeepWhatTheyHaveSeenWhenTheViewComesLater) {
  Metrics metrics("0.1.0");
  metrics.signal("main", "cancel", "accepted");
  EXPECT_EQ(
      series_of(rendered(metrics))
          .at(R"(pghangd_signals_total{outcome="accepted",signal="cancel",target="main"})"),
      1
  );
}

TEST(Metrics, GaugesOfWhatIsGoneDisappear) {
  Metrics metrics("0.1.0");
  const std::string unresponsive =
      R"(pghangd_unresponsive_backends{cause="blocking_call",target="main"})";
  auto series = series_of(rendered(metrics));
  EXPECT_EQ(series.at(unresponsive), 1);
  EXPECT_EQ(
      series.at(R"(pghangd_unresponsive_seconds_max{cause="blocking_call",target="main"})"),
      60
  );

  View view = sample::view();
  view.incidents[0].stage = Stage::resolved;
  view.targets[0].backends.clear();
  const std::string text = rendered(metrics, view);
  for (const char* family :
       {"pghangd_unresponsive_backends",
        "pghangd_unresponsive_seconds_max",
        "pghangd_matched_backends",
        "pghangd_oldest_matched_seconds",
        "pghangd_fingerprint_backends",
        "pghangd_fingerprint_info"})
    EXPECT_EQ(text.find(std::string(family) + '{'), std::string::npos) << family;
}

TEST(Metrics, AWatchedBackendIsCountedButIsNotYetMatched) {
  Metrics metrics("0.1.0");
  const auto series = series_of(rendered(metrics));
  EXPECT_EQ(
      series.at(R"(pghangd_matched_backends{rule="long_copy",stage="watching",target="main"})"),
      1
  );
  EXPECT_EQ(series.at(R"(pghangd_oldest_matched_seconds{rule="long_copy",target="main"})"), 120)
      << "the watched one has held for 500 s";
}

TEST(Metrics, SessionCountsOfAServerThatIsDownAreNotShownAsCurrent) {
  Metrics metrics("0.1.0");
  EXPECT_EQ(series_of(rendered(metrics)).at(R"(pghangd_backends{state="none",target="main"})"), 6);
  View view = sample::view();
  view.targets[0].up = false;
  const std::string text = rendered(metrics, view);
  EXPECT_EQ(series_of(text).at(R"(pghangd_up{target="main"})"), 0);
  EXPECT_EQ(text.find("pghangd_backends{"), std::string::npos);
}

TEST(Metrics, NoLabelHasAPidOrQueryText) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  View view = sample::view();
  view.targets[0].backends[0].activity.query = "SELECT secret_of_query";
  view.incidents[0].activity.query = "SELECT secret_of_query";
  const std::string text = rendered(metrics, view);
  EXPECT_EQ(text.find("secret_of_query"), std::string::npos);
  EXPECT_EQ(text.find("4711"), std::string::npos);
  EXPECT_EQ(text.find("pid="), std::string::npos);
}

View many_fingerprints(int count) {
  View view = sample::view();
  view.incidents.clear();
  Incident incident = sample::incident();
  incident.evidence.reset();
  for (int i = 0; i < count; ++i) {
    incident.fingerprint->stable = std::to_string(i);
    incident.fingerprint->text = "f" + std::to_string(i);
    incident.verdict->cause = static_cast<Cause>(i % static_cast<int>(Cause::unknown));
    view.incidents.push_back(incident);
  }
  return view;
}

TEST(Metrics, TenThousandFingerprintsStayUnderFifteenHundredSeries) {
  Metrics metrics("0.1.0");
  tell_everything(metrics);
  const View view = many_fingerprints(10'000);
  auto series = series_of(rendered(metrics, view));
  EXPECT_LT(series.size(), 1500U);
  EXPECT_EQ(series.at("pghangd_fingerprints_dropped_total"), 9950);
  series = series_of(rendered(metrics, view));
  EXPECT_EQ(series.at("pghangd_fingerprints_dropped_total"), 9950) << "a scrape is not an event";
  const std::string text = rendered(metrics, many_fingerprints(0));
  EXPECT_EQ(text.find("pghangd_fingerprint_backends{"), std::string::npos) << "they are over";
  EXPECT_EQ(text.find("pghangd_fingerprint_info{"), std::string::npos);
  EXPECT_EQ(series_of(text).at("pghangd_fingerprints_dropped_total"), 9950) << "a counter stays";
}

TEST(ViewGauges, TheLargestFingerprintGroupsAreKept) {
  View view = many_fingerprints(200);
  const Incident often = view.incidents[137];
  view.incidents.push_front(often);
  const ViewGauges gauges = view_gauges(view, sample::kNow);
  const GaugeSeries& kept = gauges.families.at("pghangd_fingerprint_backends");
  EXPECT_EQ(kept.size(), kFingerprintLimit);
  EXPECT_EQ(kept.at({"main", "137", to_string(often.verdict->cause)}), 2);
  EXPECT_TRUE(gauges.families.at("pghangd_fingerprint_info").contains({"137", "f137", "copy-hang"})
  );
  EXPECT_EQ(gauges.dropped_fingerprints.size(), 150U);
}

TEST(ViewGauges, ALongFingerprintTextIsCutBetweenFrames) {
  View view = many_fingerprints(1);
  std::string text = "f0";
  while (text.size() < 1000)
    text += " | function_with_a_name";
  view.incidents[0].fingerprint->text = text;
  const ViewGauges gauges = view_gauges(view, sample::kNow);
  const std::string label = gauges.families.at("pghangd_fingerprint_info").begin()->first[1];
  EXPECT_LE(label.size(), 270U);
  EXPECT_TRUE(label.ends_with("function_with_a_name | …")) << label;
}

TEST(ViewGauges, AnIncidentWithoutACaptureIsUnresponsiveForAnUnknownCause) {
  View view = sample::view();
  view.incidents[0].verdict.reset();
  view.incidents[0].timeline.clear();
  const ViewGauges gauges = view_gauges(view, sample::kNow);
  EXPECT_EQ(gauges.families.at("pghangd_unresponsive_seconds_max").at({"main", "unknown"}), 120)
      << "since it was opened";
}

TEST(Metrics, InvalidBytesInALabelBecomeValidUtf8) {
  Metrics metrics("0.1.0");
  View view = sample::view();
  view.targets[0].counts = {{"a\xFF\"\n", 1}, {"a\xFE\"\n", 2}};
  const std::string text = rendered(metrics, view);
  EXPECT_NE(text.find("state=\"a\xEF\xBF\xBD\\\"\\n\""), std::string::npos) << text;
  EXPECT_NO_FATAL_FAILURE((void)rendered(metrics, view));
}

TEST(Metrics, SamplerRestartsNeverFall) {
  Metrics metrics("0.1.0");
  metrics.sampler(3, 0);
  metrics.sampler(2, 0);
  EXPECT_EQ(series_of(rendered(metrics)).at("pghangd_sampler_restarts_total"), 3);
}

TEST(Metrics, ProcessMetricsAreThoseOfThisProcess) {
  Metrics metrics("0.1.0");
  const auto series = series_of(rendered(metrics));
  EXPECT_GT(series.at("process_cpu_seconds_total"), 0);
  EXPECT_GT(series.at("process_resident_memory_bytes"), 1 << 20);
  EXPECT_EQ(series.at("process_start_time_seconds"), 1'795'356'723);
  const int extra = ::dup(0);
  EXPECT_EQ(series_of(rendered(metrics)).at("process_open_fds"), series.at("process_open_fds") + 1);
  ::close(extra);
}

}  // namespace
}  // namespace pghang
