#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "exporters/metrics/view_gauges.h"

namespace pghang {

/// prometheus-cpp's registry, filled from metric_catalogue(). Families are named as there and
/// label values follow the order there; anything else is a bug and ends the process. Loop thread
/// only.
class MetricRegistry {
 public:
  MetricRegistry();

  /// The series with these label values; starts at 0 when new.
  [[nodiscard]] prometheus::Counter& counter(std::string_view family, const LabelValues& values);
  [[nodiscard]] prometheus::Histogram&
  histogram(std::string_view family, const LabelValues& values);
  /// Makes `series` all that the gauge family has.
  void replace(std::string_view family, const GaugeSeries& series);

  /// Text exposition format 0.0.4, sorted, so that equal values give equal text. Families without
  /// a series are left out.
  [[nodiscard]] std::string text() const;

 private:
  template <typename T>
  struct Labelled {
    prometheus::Family<T>* family = nullptr;  ///< owned by registry_
    std::vector<std::string> label_names;
    std::vector<double> buckets;
    std::vector<T*> series;  ///< owned by the family; gauges only
  };

  prometheus::Registry registry_;
  std::map<std::string_view, Labelled<prometheus::Counter>> counters_;
  std::map<std::string_view, Labelled<prometheus::Gauge>> gauges_;
  std::map<std::string_view, Labelled<prometheus::Histogram>> histograms_;
};

}  // namespace pghang
