#include "exporters/parse_time.h"

#include <algorithm>
#include <chrono>

namespace pghang {
namespace {

/// Takes a time apart from its front; once something does not fit, nothing does any more.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value * 10 + digit();
    return value;
  }

  /// One of these characters; the first of them when it is none.
  char one_of(std::string_view allowed) {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) fail();
    if (failed_) return allowed.front();
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }

  /// `.123` as microseconds; 0 where there is none.
  int fraction() {
    if (!rest_.starts_with('.')) return 0;
    rest_.remove_prefix(1);
    int micros = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && is_digit(rest_.front()); ++count) {
      const int next = digit();
      if (count < kDecimals) micros = micros * 10 + next;
    }
    if (count == 0) fail();
    for (; count < kDecimals; ++count)
      micros *= 10;
    return micros;
  }

  [[nodiscard]] bool done() const { return !failed_ && rest_.empty(); }

 private:
  static constexpr std::size_t kDecimals = 6;

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  int digit() {
    if (rest_.empty() || !is_digit(rest_.front())) fail();
    if (failed_) return 0;
    const int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }

  void fail() { failed_ = true; }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  using std::chrono::day;
  using std::chrono::hours;
  using std::chrono::microseconds;
  using std::chrono::minutes;
  using std::chrono::month;
  using std::chrono::seconds;
  using std::chrono::year;
  Reader reader(text);
  const year y{reader.digits(4)};
  reader.one_of("-");
  const month m{static_cast<unsigned>(reader.digits(2))};
  reader.one_of("-");
  const day d{static_cast<unsigned>(reader.digits(2))};
  reader.one_of("Tt ");
  const int hour = reader.digits(2);
  reader.one_of(":");
  const int minute = reader.digits(2);
  reader.one_of(":");
  const int second = reader.digits(2);
  const int micros = reader.fraction();
  const char zone = reader.one_of("Zz+-");
  int offset = 0;
  if (zone == '+' || zone == '-') {
    const int hours_east = reader.digits(2);
    reader.one_of(":");
    const int minutes_east = reader.digits(2);
    if (hours_east > 23 || minutes_east > 59) return std::nullopt;
    offset = (zone == '-' ? -1 : 1) * (hours_east * 60 + minutes_east);
  }
  const std::chrono::year_month_day date{y, m, d};
  if (!reader.done() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::sys_time<microseconds> at = std::chrono::sys_days{date} + hours{hour} +
                                                 minutes{minute - offset} + seconds{second} +
                                                 microseconds{micros};
  return at.time_since_epoch().count();
}

}  // namespace pghang
