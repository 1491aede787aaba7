#include "exporters/pages/sparkline.h"

#include <algorithm>
#include <numeric>

namespace pghang {
namespace {

constexpr std::size_t kBarWidth = 4;
constexpr std::size_t kPitch = 5;
constexpr std::size_t kHeight = 22;

std::string attribute(std::string_view name, std::size_t value) {
  return " " + std::string(name) + "=\"" + std::to_string(value) + "\"";
}

std::string words(const std::vector<std::size_t>& counts, std::size_t sum, const BarSpan& span) {
  const std::size_t most = *std::ranges::max_element(counts);
  std::string text = std::to_string(sum) + (sum == 1 ? " incident" : " incidents") +
                     " in the last " + std::string(span.name);
  if (sum > 1) text += ", at most " + std::to_string(most) + " in one bar";
  text += "; a bar is " + std::string(span.bar_name == "hour" ? "an hour" : span.bar_name);
  return text + ", the last one is now";
}

}  // namespace

std::vector<std::size_t>
counts_over_time(const std::vector<std::int64_t>& moments, std::int64_t now, const BarSpan& span) {
  const std::int64_t length = span.bar_seconds * 1'000'000;
  const std::int64_t last = now / length;
  std::vector<std::size_t> counts(span.bars);
  for (const std::int64_t at : moments) {
    const std::int64_t ago = last - at / length;
    if (ago >= 0 && ago < static_cast<std::int64_t>(span.bars))
      ++counts[span.bars - 1 - static_cast<std::size_t>(ago)];
  }
  return counts;
}

std::string bars_html(const std::vector<std::size_t>& counts, const BarSpan& span) {
  const std::size_t sum = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  if (sum == 0) return "<span class=\"bars\">none</span>";
  const std::size_t most = *std::ranges::max_element(counts);
  const std::size_t width = counts.size() * kPitch;
  std::string html = R"(<span class="bars"><svg role="img" aria-label=")" +
                     words(counts, sum, span) + "\"" + attribute("width", width) +
                     attribute("height", kHeight) + " viewBox=\"0 0 " + std::to_string(width) +
                     " " + std::to_string(kHeight) + "\">";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    // A bar that stands for something is never as low as one that does not.
    const std::size_t height = counts[i] == 0 ? 1 : 4 + counts[i] * (kHeight - 4) / most;
    html += "<rect" + attribute("x", i * kPitch) + attribute("y", kHeight - height) +
            attribute("width", kBarWidth) + attribute("height", height) +
            (counts[i] == 0 ? " class=\"none\"/>" : "/>");
  }
  return html + "</svg> <b aria-hidden=\"true\">" + std::to_string(sum) + "</b></span>";
}

}  // namespace pghang
