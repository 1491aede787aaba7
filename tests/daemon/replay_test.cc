#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/signatures.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/report.h"
#include "diagnosis/verdict.h"
#include "exporters/bundle/bundle.h"

/// Bundles that earlier versions wrote: each stays readable, and says what it said then.
namespace pghang {
namespace {

std::filesystem::path folder() {
  return PGHANG_SOURCE_DIR "/tests/fixtures/bundles";
}

std::vector<std::string> recorded() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == kBundleSuffix) names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator(file), {}};
}

std::string case_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

class RecordedBundle : public testing::TestWithParam<std::string> {};

TEST_P(RecordedBundle, GivesTheReportOfItsDay) {
  const auto bundle = read_bundle(folder() / (GetParam() + kBundleSuffix));
  ASSERT_TRUE(bundle) << bundle.error().context;
  EXPECT_FALSE(bundle->evidence.capture.snapshot.empty()) << "it was saved with --save";
  const SignatureCatalogue catalogue(shipped_signatures().signatures);
  const Verdict verdict = diagnose(bundle->evidence, catalogue);
  const auto print = fingerprint(bundle->evidence.capture.stack);
  const std::string report = render_report(bundle->evidence, verdict, print);
  EXPECT_EQ(report, text_of(folder() / (GetParam() + ".txt")));
}

INSTANTIATE_TEST_SUITE_P(Versions, RecordedBundle, testing::ValuesIn(recorded()), case_name);

TEST(RecordedBundles, ThereIsOneOfEachFormat) {
  for (unsigned version = 1; version <= kBundleVersion; ++version) {
    const std::string prefix = "v" + std::to_string(version) + "-";
    EXPECT_TRUE(std::ranges::any_of(recorded(), [&](const std::string& name) {
      return name.starts_with(prefix);
    })) << prefix;
  }
}

}  // namespace
}  // namespace pghang
