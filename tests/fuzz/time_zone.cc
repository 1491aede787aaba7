#include "config/time_zone.h"

#include <limits>

#include "tests/fuzz/base_file.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

std::string big_endian(std::uint64_t value, unsigned bytes) {
  std::string text;
  for (unsigned left = bytes; left > 0; --left)
    text += static_cast<char>(value >> 8 * (left - 1));
  return text;
}

/// isut, isstd, leap, time, type, char: RFC 8536 section 3.1.
std::string header(unsigned times, unsigned types, unsigned chars) {
  std::string text = "TZif2" + std::string(15, '\0');
  for (const unsigned count : {0U, 0U, 0U, times, types, chars})
    text += big_endian(count, 4);
  return text;
}

/// A file of two changes, the last one at `last`, and this rule for what comes after.
std::string file_of(std::int64_t last, std::string_view rule) {
  std::string file = header(0, 1, 4) + std::string(6, '\0') + "UTC" + '\0';
  file += header(2, 2, 8);
  file += big_endian(0, 8) + big_endian(static_cast<std::uint64_t>(last), 8);
  file += std::string("\0\1", 2);
  file += big_endian(3600, 4) + std::string("\0\0", 2);
  file += big_endian(7200, 4) + std::string("\1\4", 2);
  file += std::string("CET\0CES\0", 8);
  return file + '\n' + std::string(rule) + '\n';
}

std::string file_from(Input& input) {
  static const BaseFile kRight(file_of(1'600'000'000, "CET-1CEST,M3.5.0,M10.5.0/3"));
  switch (input.number<std::uint8_t>() % 3) {
    case 0: {
      const auto last = input.number<std::int64_t>();
      return file_of(last, input.rest());
    }
    case 1: return damaged(kRight, input);
    default: return std::string(input.rest());
  }
}

}  // namespace

void time_zone(std::string_view bytes) {
  Input input(bytes);
  const auto zone = parse_tzif("Made/Up", file_from(input));
  if (!zone) return;
  expect(!zone->changes.empty(), "a zone of a file says how its clocks are");
  for (std::size_t i = 1; i < zone->changes.size(); ++i)
    expect(zone->changes[i - 1].at < zone->changes[i].at, "changes are by time");
  for (const ClockChange& change : zone->changes)
    expect(ahead_of_utc(*zone, change.at).count() == change.ahead_seconds, "from then on");
  for (const std::int64_t at : {std::numeric_limits<std::int64_t>::max(), std::int64_t{0}})
    (void)ahead_of_utc(*zone, at);
}

}  // namespace pghang::fuzz
