#include "config/time_window.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <vector>

namespace pghang {

namespace {

using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr minutes kDay{std::chrono::hours{24}};
/// 1970-01-01 was a Thursday.
constexpr std::int64_t kFirstWeekday = 3;

Error malformed(std::string context) {
  return {.code = Errc::malformed, .context = std::move(context)};
}

std::vector<std::string_view> words_of(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!word.empty() || separator != ' ') words.push_back(word);
  }
  return words;
}

std::optional<std::size_t> day_index(std::string_view name) {
  const auto found = std::find(kDays.begin(), kDays.end(), name);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kDays.begin());
}

/// `Mon-Fri,Sun`; a span may go over the weekend (`Fri-Mon`). 0 when it is none.
std::uint8_t parse_days(std::string_view text) {
  unsigned days = 0;
  for (const std::string_view part : words_of(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = day_index(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day_index(part.substr(dash + 1));
    if (!first || !last) return 0;
    for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
      days |= 1U << day;
      if (day == *last) break;
    }
  }
  return static_cast<std::uint8_t>(days);
}

/// `06:00`, up to `24:00`.
std::optional<minutes> parse_clock(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  std::array<int, 2> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* const begin = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, parts.at(i));
    if (error != std::errc{} || end != begin + 2 || parts.at(i) < 0) return std::nullopt;
  }
  const minutes clock = std::chrono::hours(parts[0]) + minutes(parts[1]);
  if (parts[1] > 59 || clock > kDay) return std::nullopt;
  return clock;
}

std::string clock_text(minutes clock) {
  std::array<char, 8> text{};
  const auto count = static_cast<int>(clock.count());
  std::snprintf(text.data(), text.size(), "%02d:%02d", count / 60 % 100, count % 60);
  return text.data();
}

std::string days_text(unsigned days) {
  std::string text;
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if ((days >> i & 1U) == 0) continue;
    text += (text.empty() ? "" : ",") + std::string(kDays.at(i));
  }
  return text;
}

}  // namespace

Result<TimeWindow> parse_time_window(std::string_view text) {
  std::vector<std::string_view> words = words_of(text, ' ');
  TimeWindow window;
  if (words.size() == 3) {
    window.days = parse_days(words.front());
    if (window.days == 0) return malformed("does not begin with days like `Mon-Fri` or `Sat,Sun`");
    words.erase(words.begin());
  }
  if (words.size() != 2) {
    return malformed("is not a window like `22:00-06:00 Europe/Berlin` or `Mon-Fri 09:00-17:00 UTC`"
    );
  }
  const std::size_t dash = words[0].find('-');
  const auto from = parse_clock(words[0].substr(0, dash));
  const auto to =
      dash == std::string_view::npos ? std::nullopt : parse_clock(words[0].substr(dash + 1));
  if (!from || !to || *from >= kDay) return malformed("has no times of day like `22:00-06:00`");
  if (*from == *to) return malformed("ends when it begins; a whole day is `00:00-24:00`");
  window.from = *from;
  window.to = *to;
  auto zone = load_time_zone(words[1]);
  if (!zone) return malformed(zone.error().context);
  window.zone = *std::move(zone);
  return window;
}

std::string to_string(const TimeWindow& window) {
  const bool every_day = window.days == TimeWindow::kEveryDay;
  return (every_day ? "" : days_text(window.days) + " ") + clock_text(window.from) + "-" +
         clock_text(window.to) + " " + window.zone.name;
}

bool covers(const TimeWindow& window, std::int64_t unix_micros) {
  using std::chrono::days;
  using std::chrono::seconds;
  const auto utc = std::chrono::floor<seconds>(std::chrono::microseconds(unix_micros));
  const seconds shown = utc + ahead_of_utc(window.zone, utc.count());
  const days day = std::chrono::floor<days>(shown);
  const minutes clock = std::chrono::floor<minutes>(shown - day);
  const auto begins_on = [&window](std::int64_t number) {
    const std::int64_t weekday = ((number + kFirstWeekday) % 7 + 7) % 7;
    return (window.days >> static_cast<unsigned>(weekday) & 1U) != 0;
  };
  if (window.from < window.to)
    return begins_on(day.count()) && clock >= window.from && clock < window.to;
  return (begins_on(day.count()) && clock >= window.from) ||
         (begins_on(day.count() - 1) && clock < window.to);
}

}  // namespace pghang
