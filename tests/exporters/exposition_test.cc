#include "exporters/metrics/exposition.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace pghang {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric gauge(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return metric;
}

TEST(Exposition, ValuesAreTheShortestTextThatIsThem) {
  MetricFamily family{"g", "Help.", MetricType::Gauge, {}};
  for (const double value :
       {0.0,
        1000000.0,
        0.0005,
        -2.5,
        0.1,
        1795360323.123456,
        1e-9,
        1e21,
        std::nan(""),
        std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()})
    family.metric.push_back(gauge(value));
  EXPECT_EQ(
      exposition({family}),
      "# HELP g Help.\n# TYPE g gauge\n"
      "g 0\ng 1000000\ng 0.0005\ng -2.5\ng 0.1\ng 1795360323.123456\ng 1e-09\ng 1e+21\ng NaN\ng "
      "+Inf\ng -Inf\n"
  );
}

TEST(Exposition, WhatWouldEndALabelsValueIsEscaped) {
  const MetricFamily family{
      "g",
      "Help.",
      MetricType::Gauge,
      {gauge(1, {{"a", "x\"y\\z\nw"}, {"b", ""}})}};
  EXPECT_TRUE(exposition({family}).ends_with("\ng{a=\"x\\\"y\\\\z\\nw\",b=\"\"} 1\n"));
}

TEST(Exposition, AHistogramHasItsCountSumAndBuckets) {
  ClientMetric metric;
  metric.label = {{"target", "main"}};
  metric.histogram.sample_count = 18446744073709551615ULL;
  metric.histogram.sample_sum = 0.25;
  metric.histogram.bucket = {{1, 0.005}, {3, std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(
      exposition({{"h", "Help.", MetricType::Histogram, {metric}}}),
      "# HELP h Help.\n# TYPE h histogram\n"
      "h_count{target=\"main\"} 18446744073709551615\n"
      "h_sum{target=\"main\"} 0.25\n"
      "h_bucket{target=\"main\",le=\"0.005\"} 1\n"
      "h_bucket{target=\"main\",le=\"+Inf\"} 3\n"
  );
}

}  // namespace
}  // namespace pghang
