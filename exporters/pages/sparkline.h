#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pghang {

/// A span of time in equal bars.
struct BarSpan {
  std::string_view name;  ///< `24 hours`
  std::int64_t bar_seconds = 3600;
  std::string_view bar_name;  ///< `hour`
  std::size_t bars = 24;
};

inline constexpr BarSpan kLastDay{"24 hours", 3600, "hour", 24};
inline constexpr BarSpan kLastWeek{"7 days", 6L * 3600, "6 hours", 28};

/// How many of these moments (unix epoch, microseconds) fall into each bar; the last bar holds
/// `now`. Bars begin at whole multiples of their length, so that counts change only with what they
/// count. What is older or later is left out.
[[nodiscard]] std::vector<std::size_t>
counts_over_time(const std::vector<std::int64_t>& moments, std::int64_t now, const BarSpan& span);

/// The counts as bars in a small inline SVG, the sum beside it, and a sentence that says the same
/// in words. HTML.
[[nodiscard]] std::string bars_html(const std::vector<std::size_t>& counts, const BarSpan& span);

}  // namespace pghang
