#include "exporters/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace pghang {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool in_range(std::string_view text, std::size_t at, unsigned low, unsigned high) {
  if (at >= text.size()) return false;
  const unsigned byte = static_cast<unsigned char>(text[at]);
  return byte >= low && byte <= high;
}

/// Length of the well-formed sequence at `at`, or 0: the table of RFC 3629 section 4.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const unsigned lead = static_cast<unsigned char>(text[at]);
  const auto tail = [&](std::size_t offset) {
    return in_range(text, at + offset, 0x80, 0xBF);
  };
  const auto second = [&](unsigned low, unsigned high) {
    return in_range(text, at + 1, low, high);
  };
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead == 0xE0) return second(0xA0, 0xBF) && tail(2) ? 3 : 0;
  if (lead == 0xED) return second(0x80, 0x9F) && tail(2) ? 3 : 0;
  if (lead >= 0xE1 && lead <= 0xEF) return tail(1) && tail(2) ? 3 : 0;
  if (lead == 0xF0) return second(0x90, 0xBF) && tail(2) && tail(3) ? 4 : 0;
  if (lead >= 0xF1 && lead <= 0xF3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  if (lead == 0xF4) return second(0x80, 0x8F) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    out += length == 0 ? kReplacement : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

namespace {

/// Of a well-formed sequence of 2 or 3 bytes; 0 of others, which hold nothing that is looked for.
unsigned code_point(std::string_view sequence) {
  const auto bits = [&](std::size_t at, unsigned mask) {
    return static_cast<unsigned char>(sequence[at]) & mask;
  };
  if (sequence.size() == 2) return bits(0, 0x1FU) << 6U | bits(1, 0x3FU);
  if (sequence.size() == 3) return bits(0, 0x0FU) << 12U | bits(1, 0x3FU) << 6U | bits(2, 0x3FU);
  return 0;
}

/// C1 controls, and what turns the direction of the text around it (Unicode's Bidi_Control).
bool acts_unseen(unsigned point) {
  return (point >= 0x80 && point <= 0x9F) || point == 0x061C || point == 0x200E ||
         point == 0x200F || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

std::string named(unsigned point) {
  std::array<char, 16> name{};
  std::snprintf(name.data(), name.size(), "[U+%04X]", point);
  return name.data();
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&': out += "&amp;"; return;
    case '<': out += "&lt;"; return;
    case '>': out += "&gt;"; return;
    case '"': out += "&quot;"; return;
    case '\'': out += "&#39;"; return;
    default: break;
  }
  if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == '\x7F') {
    out += kReplacement;
  } else {
    out += c;
  }
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const std::string_view sequence = text.substr(at, std::max<std::size_t>(length, 1));
    at += sequence.size();
    if (length == 0) {
      out += kReplacement;
    } else if (length == 1) {
      append_escaped(out, sequence.front());
    } else if (const unsigned point = code_point(sequence); acts_unseen(point)) {
      out += named(point);
    } else {
      out += sequence;
    }
  }
  return out;
}

namespace {

/// The years that four digits can tell: all that RFC 3339 and RFC 9110 know. A damaged bundle may
/// hold others, which even <chrono> cannot split into days.
std::int64_t in_calendar(std::int64_t unix_micros) {
  using std::chrono::microseconds;
  using std::chrono::sys_days;
  using namespace std::chrono_literals;
  constexpr sys_days first{0y / 1 / 1};
  constexpr sys_days behind{10000y / 1 / 1};
  constexpr auto micros = [](sys_days day) {
    return microseconds(day.time_since_epoch()).count();
  };
  return std::clamp(unix_micros, micros(first), micros(behind) - 1);
}

}  // namespace

std::string rfc3339(std::int64_t unix_micros) {
  using std::chrono::microseconds;
  const std::chrono::sys_time<microseconds> at{microseconds(in_calendar(unix_micros))};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss<microseconds> time(at - midnight);
  std::array<char, 64> out{};
  const int length = std::snprintf(
      out.data(),
      out.size(),
      "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(day.year()),
      static_cast<unsigned>(day.month()),
      static_cast<unsigned>(day.day()),
      static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count())
  );
  return {out.data(), static_cast<std::size_t>(length)};
}

std::string http_date(std::int64_t unix_micros) {
  const std::chrono::sys_seconds at{
      std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(in_calendar(unix_micros))
      )};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day day(midnight);
  const std::chrono::hh_mm_ss<std::chrono::seconds> time(at - midnight);
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array
      kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> out{};
  const int length = std::snprintf(
      out.data(),
      out.size(),
      "%s, %02u %s %04d %02d:%02d:%02d GMT",
      kDays[std::chrono::weekday(midnight).c_encoding()],
      static_cast<unsigned>(day.day()),
      kMonths[static_cast<unsigned>(day.month()) - 1],
      static_cast<int>(day.year()),
      static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count())
  );
  return {out.data(), static_cast<std::size_t>(length)};
}

std::string age_text(double seconds) {
  static constexpr std::int64_t kMinute = 60;
  static constexpr std::int64_t kHour = 60 * kMinute;
  static constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t age = seconds > 0 ? static_cast<std::int64_t>(seconds) : 0;
  const auto two = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* unit
                   ) {
    return std::to_string(big) + big_unit + std::to_string(small) + unit;
  };
  if (age >= kDay) return two(age / kDay, " d ", age % kDay / kHour, " h");
  if (age >= kHour) return two(age / kHour, " h ", age % kHour / kMinute, " min");
  if (age >= kMinute) return two(age / kMinute, " min ", age % kMinute, " s");
  return std::to_string(age) + " s";
}

}  // namespace pghang
