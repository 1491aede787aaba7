#include "exporters/metrics/metric_registry.h"

#include <algorithm>
#include <cstdlib>

#include "exporters/metrics/exposition.h"
#include "exporters/metrics/metrics.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    names.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

prometheus::Labels
labels(const std::vector<std::string>& names, const std::vector<std::string>& values) {
  if (names.size() != values.size()) std::abort();
  prometheus::Labels result;
  for (std::size_t i = 0; i < names.size(); ++i)
    result.emplace(names[i], valid_utf8(values[i]));
  return result;
}

template <typename Map>
auto& find_family(Map& families, std::string_view name) {
  const auto found = families.find(name);
  if (found == families.end()) std::abort();
  return found->second;
}

}  // namespace

MetricRegistry::MetricRegistry() {
  for (const MetricDescription& row : metric_catalogue()) {
    const std::string_view type = row.type;
    const auto enter = [&](auto& families, auto builder) {
      auto& entry = families[row.name];
      entry.family = &builder.Name(row.name).Help(row.help).Register(registry_);
      entry.label_names = split_names(row.labels);
      entry.buckets = row.buckets;
    };
    if (type == "counter") enter(counters_, prometheus::BuildCounter());
    if (type == "gauge") enter(gauges_, prometheus::BuildGauge());
    if (type == "histogram") enter(histograms_, prometheus::BuildHistogram());
  }
}

prometheus::Counter& MetricRegistry::counter(std::string_view family, const LabelValues& values) {
  auto& entry = find_family(counters_, family);
  return entry.family->Add(labels(entry.label_names, values));
}

prometheus::Histogram&
MetricRegistry::histogram(std::string_view family, const LabelValues& values) {
  auto& entry = find_family(histograms_, family);
  return entry.family->Add(labels(entry.label_names, values), entry.buckets);
}

void MetricRegistry::replace(std::string_view family, const GaugeSeries& series) {
  auto& entry = find_family(gauges_, family);
  for (prometheus::Gauge* gauge : entry.series)
    entry.family->Remove(gauge);
  entry.series.clear();
  for (const auto& [values, value] : series) {
    prometheus::Gauge& gauge = entry.family->Add(labels(entry.label_names, values));
    // Values that differ only in invalid bytes become one series.
    if (std::ranges::find(entry.series, &gauge) == entry.series.end())
      entry.series.push_back(&gauge);
    gauge.Set(value);
  }
}

std::string MetricRegistry::text() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::ranges::sort(families, {}, &prometheus::MetricFamily::name);
  for (prometheus::MetricFamily& family : families) {
    std::sort(
        family.metric.begin(),
        family.metric.end(),
        [](const prometheus::ClientMetric& a, const prometheus::ClientMetric& b) {
          return a.label < b.label;
        }
    );
  }
  return exposition(families);
}

}  // namespace pghang
