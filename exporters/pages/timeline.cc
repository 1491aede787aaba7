#include "exporters/pages/timeline.h"

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string seconds_text(double seconds) {
  std::array<char, 32> words{};
  std::snprintf(words.data(), words.size(), seconds < 1 ? "%.2f s" : "%.1f s", seconds);
  return words.data();
}

/// The gates that the signal passed, and the first that it was not seen to pass.
std::string signal_words(const SentSignal& signal) {
  const std::pair<const char*, std::optional<double>> gates[] = {
      {"noted by PostgreSQL", signal.seen_seconds},
      {"served", signal.serviced_seconds},
      {"over", signal.gone_seconds}};
  std::string words;
  for (const auto& [what, seconds] : gates) {
    if (!words.empty()) words += ", ";
    if (!seconds) return words + "not seen to be " + what;
    words += std::string(what) + " after " + seconds_text(*seconds);
  }
  return words;
}

/// The signal that brought the incident into this stage.
const SentSignal* signal_of(const Incident& incident, Stage stage) {
  const char* const name = stage == Stage::cancel_sent      ? "cancel"
                           : stage == Stage::terminate_sent ? "terminate"
                                                            : nullptr;
  if (name == nullptr) return nullptr;
  for (const SentSignal& signal : incident.signals) {
    if (signal.signal == name) return &signal;
  }
  return nullptr;
}

std::string stayed(const Incident& incident, std::size_t index, std::int64_t now) {
  const TimelineEntry& entry = incident.timeline[index];
  if (entry.stage == Stage::resolved) return {};
  const bool last = index + 1 == incident.timeline.size();
  const std::int64_t until =
      last ? incident.resolved_at_micros.value_or(now) : incident.timeline[index + 1].at_micros;
  const double seconds = static_cast<double>(until - entry.at_micros) / 1e6;
  if (seconds < 0.005) return {};
  const std::string length = seconds < 10 ? seconds_text(seconds) : age_text(seconds);
  return last && !incident.resolved_at_micros ? "for " + length + " now" : "for " + length;
}

std::string entry_html(const Incident& incident, std::size_t index, std::int64_t now) {
  const TimelineEntry& entry = incident.timeline[index];
  const std::string stage = to_string(entry.stage);
  std::string html =
      "<li class=\"" + stage + "\">" + moment(entry.at_micros) + " <b>" + spaced(stage) + "</b>";
  if (const std::string length = stayed(incident, index, now); !length.empty())
    html += " <span class=\"length\">" + length + "</span>";
  if (!entry.note.empty()) html += "<br>" + html_escaped(entry.note);
  if (const SentSignal* signal = signal_of(incident, entry.stage))
    html += "<br><small>" + html_escaped(signal_words(*signal)) + "</small>";
  return html + "</li>\n";
}

}  // namespace

std::string timeline_html(const Incident& incident, std::int64_t now) {
  if (incident.timeline.empty()) return {};
  std::string html = "<ol class=\"timeline\">\n";
  for (std::size_t i = 0; i < incident.timeline.size(); ++i)
    html += entry_html(incident, i, now);
  return html + "</ol>\n";
}

}  // namespace pghang
