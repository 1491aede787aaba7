#include "exporters/metrics/exposition.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace pghang {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

/// Room for any double (17 digits, sign, point, exponent) and any 64-bit integer.
constexpr std::size_t kNumberSize = 32;
constexpr std::size_t kSampleSize = 96;  ///< a usual one

class Exposition {
 public:
  explicit Exposition(std::size_t samples) { text_.reserve(samples * kSampleSize); }

  void add(const prometheus::MetricFamily& family, std::string_view type) {
    text_ += "# HELP ";
    text_ += family.name;
    text_ += ' ';
    text_ += family.help;
    text_ += "\n# TYPE ";
    text_ += family.name;
    text_ += ' ';
    text_ += type;
    text_ += '\n';
  }

  /// `bound`: of a bucket.
  template <typename Number>
  void add(
      std::string_view name,
      std::string_view suffix,
      const ClientMetric& metric,
      Number value,
      const double* bound = nullptr
  ) {
    text_ += name;
    text_ += suffix;
    char separator = '{';
    const auto begin_label = [&](std::string_view label) {
      text_ += separator;
      text_ += label;
      text_ += "=\"";
      separator = ',';
    };
    for (const ClientMetric::Label& label : metric.label) {
      begin_label(label.name);
      add_escaped(label.value);
      text_ += '"';
    }
    if (bound != nullptr) {
      begin_label("le");
      add_number(*bound);
      text_ += '"';
    }
    text_ += separator == '{' ? " " : "} ";
    add_number(value);
    text_ += '\n';
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void add_escaped(std::string_view value) {
    for (const char c : value) {
      if (c == '\\' || c == '"') text_ += '\\';
      if (c == '\n') {
        text_ += "\\n";
      } else {
        text_ += c;
      }
    }
  }

  void add_number(std::uint64_t value) { add_digits(value); }

  /// The shortest text that is the number, without exponent where %g has none.
  void add_number(double value) {
    if (std::isnan(value)) return void(text_ += "NaN");
    if (std::isinf(value)) return void(text_ += value > 0 ? "+Inf" : "-Inf");
    const double size = std::abs(value);
    const bool plain = value == 0 || (size >= 1e-4 && size < 1e16);
    add_digits(value, plain ? std::chars_format::fixed : std::chars_format::general);
  }

  template <typename... Number>
  void add_digits(Number... number) {
    std::array<char, kNumberSize> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number...);
    text_.append(digits.data(), end.ptr);
  }

  std::string text_;
};

void add_histogram(Exposition& text, const std::string& name, const ClientMetric& metric) {
  text.add(name, "_count", metric, metric.histogram.sample_count);
  text.add(name, "_sum", metric, metric.histogram.sample_sum);
  for (const ClientMetric::Bucket& bucket : metric.histogram.bucket)
    text.add(name, "_bucket", metric, bucket.cumulative_count, &bucket.upper_bound);
}

void add_samples(
    Exposition& text,
    const prometheus::MetricFamily& family,
    const ClientMetric& metric
) {
  switch (family.type) {
    case MetricType::Counter: return text.add(family.name, "", metric, metric.counter.value);
    case MetricType::Gauge: return text.add(family.name, "", metric, metric.gauge.value);
    case MetricType::Histogram: return add_histogram(text, family.name, metric);
    default: return;
  }
}

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::Counter: return "counter";
    case MetricType::Gauge: return "gauge";
    case MetricType::Histogram: return "histogram";
    default: return "untyped";
  }
}

}  // namespace

std::string exposition(const std::vector<prometheus::MetricFamily>& families) {
  std::size_t samples = 0;
  for (const prometheus::MetricFamily& family : families) {
    samples += 2;
    for (const ClientMetric& metric : family.metric)
      samples += 2 + metric.histogram.bucket.size();
  }
  Exposition text(samples);
  for (const prometheus::MetricFamily& family : families) {
    text.add(family, name_of(family.type));
    for (const ClientMetric& metric : family.metric)
      add_samples(text, family, metric);
  }
  return text.take();
}

}  // namespace pghang
