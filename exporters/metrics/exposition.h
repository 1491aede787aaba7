#pragma once

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace pghang {

/// Prometheus's text exposition format 0.0.4 (docs/instrumenting/exposition_formats.md) of
/// counters, gauges and histograms; other types have no samples. prometheus-cpp's own serializer
/// takes twice as long, as it goes by way of an ostream.
[[nodiscard]] std::string exposition(const std::vector<prometheus::MetricFamily>& families);

}  // namespace pghang
