#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "exporters/metrics/metrics.h"

namespace pghang {
namespace {

const std::string kReadme = PGHANG_SOURCE_DIR "/README.md";
const std::string kBegin =
    "<!-- metrics: made by exporters_test from exporters/metrics/metric_catalogue.cc -->\n";
const std::string kEnd = "<!-- end of metrics -->";

std::string table() {
  std::string text = "| metric | type | labels | |\n|---|---|---|---|\n";
  for (const MetricDescription& metric : metric_catalogue()) {
    text += "| `" + std::string(metric.name) + "` | " + metric.type + " | " + metric.labels +
            " | " + metric.help + " |\n";
  }
  return text;
}

TEST(Readme, MetricsTableIsTheCatalogue) {
  std::stringstream file;
  file << std::ifstream(kReadme).rdbuf();
  const std::string text = file.str();
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t start = begin + kBegin.size();
  if (std::getenv("PGHANG_REGENERATE") != nullptr) {
    std::ofstream(kReadme) << text.substr(0, start) << table() << text.substr(end);
    return;
  }
  EXPECT_EQ(text.substr(start, end - start), table()) << "PGHANG_REGENERATE=1 writes it anew";
}

}  // namespace
}  // namespace pghang
