#include "config/posix_zone.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace pghang {

namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 86400;
constexpr int kMostHours = 167;

/// A day of the year on which the clocks change.
struct ChangeDay {
  enum class Form {
    month_week,  ///< Mm.w.d: weekday d (0: Sunday) of week w (5: the last one) of month m
    julian,      ///< Jn: day 1 to 365, the 29th of February is never counted
    zero_based,  ///< n: day 0 to 365, the 29th of February is
  };

  Form form = Form::month_week;
  int month = 1;
  int week = 1;
  int day = 0;
  std::int64_t seconds = 2 * kHour;  ///< after midnight
};

class RuleText {
 public:
  explicit RuleText(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// `CET`, `<+03>`: at least three letters.
  bool skip_name() {
    const bool quoted = skip('<');
    const std::size_t end = quoted ? rest_.find('>') : rest_.find_first_of("0123456789+-,");
    const std::size_t size = std::min(end, rest_.size());
    if (size < 3 || (quoted && end == std::string_view::npos)) return false;
    rest_.remove_prefix(size);
    return !quoted || skip('>');
  }

  std::optional<int> number(int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{} || value < 0 || value > most || rest_.starts_with('-'))
      return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  /// `[+-]hh[:mm[:ss]]`, in seconds.
  std::optional<std::int64_t> time() {
    const bool negative = skip('-');
    if (!negative) skip('+');
    const auto hours = number(kMostHours);
    if (!hours) return std::nullopt;
    std::int64_t seconds = *hours * kHour;
    for (const std::int64_t unit : {std::int64_t{60}, std::int64_t{1}}) {
      if (!skip(':')) break;
      const auto part = number(59);
      if (!part) return std::nullopt;
      seconds += *part * unit;
    }
    return negative ? -seconds : seconds;
  }

  std::optional<ChangeDay> change_day() {
    ChangeDay change;
    std::optional<int> day;
    if (skip('M')) {
      const auto month = number(12);
      if (!month || *month < 1 || !skip('.')) return std::nullopt;
      const auto week = number(5);
      if (!week || *week < 1 || !skip('.')) return std::nullopt;
      change.month = *month;
      change.week = *week;
      day = number(6);
    } else {
      change.form = skip('J') ? ChangeDay::Form::julian : ChangeDay::Form::zero_based;
      day = number(365);
    }
    if (!day || (change.form == ChangeDay::Form::julian && *day < 1)) return std::nullopt;
    change.day = *day;
    if (!skip('/')) return change;
    const auto seconds = time();
    if (!seconds) return std::nullopt;
    change.seconds = *seconds;
    return change;
  }

 private:
  std::string_view rest_;
};

sys_days first_of(int year, unsigned month) {
  return std::chrono::year_month_day(
      std::chrono::year(year),
      std::chrono::month(month),
      std::chrono::day(1)
  );
}

sys_days day_in(const ChangeDay& change, int year) {
  if (change.form == ChangeDay::Form::zero_based) return first_of(year, 1) + days(change.day);
  if (change.form == ChangeDay::Form::julian) {
    constexpr int last_of_february = 59;
    const bool leap = std::chrono::year(year).is_leap() && change.day > last_of_february;
    return first_of(year, 1) + days(change.day - (leap ? 0 : 1));
  }
  const auto month = std::chrono::year(year) / change.month;
  const std::chrono::weekday weekday(static_cast<unsigned>(change.day));
  if (change.week == 5) return month / weekday[std::chrono::last];
  return month / weekday[static_cast<unsigned>(change.week)];
}

/// In unix seconds, where clocks are `ahead` of UTC until then.
std::int64_t moment_of(const ChangeDay& change, int year, std::int64_t ahead) {
  return day_in(change, year).time_since_epoch().count() * kDay + change.seconds - ahead;
}

int year_of(std::int64_t unix_seconds) {
  const sys_days day(days(unix_seconds / kDay));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

}  // namespace

std::optional<std::vector<ClockChange>>
posix_changes(std::string_view rule, std::int64_t known_until, int last_year) {
  RuleText text(rule);
  if (!text.skip_name()) return std::nullopt;
  const auto standard = text.time();
  if (!standard) return std::nullopt;
  // POSIX counts west of Greenwich.
  const std::int64_t winter = -*standard;
  std::vector<ClockChange> changes;
  if (text.at_end()) return changes;

  if (!text.skip_name()) return std::nullopt;
  std::int64_t summer = winter + kHour;
  if (!text.skip(',')) {
    const auto offset = text.time();
    if (!offset || !text.skip(',')) return std::nullopt;
    summer = -*offset;
  }
  const auto begin = text.change_day();
  if (!begin || !text.skip(',')) return std::nullopt;
  const auto end = text.change_day();
  if (!end || !text.at_end()) return std::nullopt;
  // A damaged file's last change may be beyond any calendar.
  const std::int64_t end_of_time = first_of(last_year + 1, 1).time_since_epoch().count() * kDay;
  if (known_until >= end_of_time) return changes;
  for (int year = year_of(known_until); year <= last_year; ++year)
    changes.push_back({moment_of(*end, year, summer), static_cast<std::int32_t>(winter)});
  for (int year = year_of(known_until); year <= last_year; ++year)
    changes.push_back({moment_of(*begin, year, winter), static_cast<std::int32_t>(summer)});
  std::ranges::stable_sort(changes, {}, &ClockChange::at);
  // Summer that ends when it begins goes on: so RFC 8536 section 3.3 writes a summer without end.
  const auto next_is_then = [](const ClockChange& one, const ClockChange& next) {
    return one.at == next.at;
  };
  auto same = std::ranges::adjacent_find(changes, next_is_then);
  while (same != changes.end()) {
    same = changes.erase(same);
    same = std::ranges::adjacent_find(same, changes.end(), next_is_then);
  }
  std::erase_if(changes, [&](const ClockChange& change) { return change.at <= known_until; });
  return changes;
}

}  // namespace pghang
