#include "config/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>

namespace pghang {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor = 1;
};

/// Largest first; of two names with one factor the first is the one we print.
constexpr std::array kTimeUnits{
    Unit{"d", 86'400'000},
    Unit{"h", 3'600'000},
    Unit{"min", 60'000},
    Unit{"m", 60'000},
    Unit{"s", 1'000},
    Unit{"ms", 1},
};

constexpr std::array kSizeUnits{
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"kb", 1ULL << 10U},
    Unit{"kib", 1ULL << 10U},
    Unit{"mb", 1ULL << 20U},
    Unit{"mib", 1ULL << 20U},
    Unit{"gb", 1ULL << 30U},
    Unit{"gib", 1ULL << 30U},
};

constexpr auto kLongest = static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max());

Error malformed(std::string context) {
  return {.code = Errc::malformed, .context = std::move(context)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes a number off the front; nothing when there is none or it does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string_view take_unit(std::string_view& text) {
  const auto* const end = std::find_if(text.begin(), text.end(), is_digit);
  const auto unit = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(unit.size());
  return unit;
}

template <std::size_t N>
std::optional<std::uint64_t> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  const auto* const unit =
      std::find_if(units.begin(), units.end(), [name](const Unit& u) { return u.name == name; });
  if (unit == units.end()) return std::nullopt;
  return unit->factor;
}

bool multiply_fits(std::uint64_t a, std::uint64_t b, std::uint64_t limit) {
  return a <= limit / b;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return malformed("is empty; write a duration like 30s");
  std::uint64_t sum = 0;
  std::uint64_t last_factor = std::numeric_limits<std::uint64_t>::max();
  while (!text.empty()) {
    if (!is_digit(text.front())) return malformed("is not a duration; write it like 30s or 5min");
    const auto number = take_number(text);
    if (!number) return malformed("is too long");
    const std::string_view name = take_unit(text);
    if (name.empty()) return malformed("needs a unit: ms, s, min, h or d");
    if (name.starts_with('.')) return malformed("has a fraction; write 1h30min instead of 1.5h");
    const auto factor = factor_of(kTimeUnits, name);
    if (!factor) return malformed("has an unknown unit; known are ms, s, min (or m), h and d");
    if (*factor >= last_factor) return malformed("must name larger units first, each once");
    last_factor = *factor;
    if (!multiply_fits(*number, *factor, kLongest - sum)) return malformed("is too long");
    sum += *number * *factor;
  }
  return Duration{static_cast<Duration::rep>(sum)};
}

std::string format_duration(Duration duration) {
  const bool negative = duration < Duration{0};
  // Negated as unsigned: the smallest value has no positive counterpart.
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (negative) rest = ~rest + 1;
  std::string text = negative ? "-" : "";
  for (const Unit& unit : kTimeUnits) {
    if (rest < unit.factor) continue;
    text += std::to_string(rest / unit.factor);
    text += unit.name;
    rest %= unit.factor;
  }
  return text.empty() ? "0s" : text;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty() || !is_digit(text.front()))
    return malformed("is not a size; write it like 512, 64kB or 8MB");
  const auto number = take_number(text);
  if (!number) return malformed("is too large");
  std::string unit(text.substr(0, 8));
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const auto factor = factor_of(kSizeUnits, unit);
  if (!factor) return malformed("has an unknown unit; known are B, kB, MB and GB");
  if (!multiply_fits(*number, *factor, std::numeric_limits<std::uint64_t>::max()))
    return malformed("is too large");
  return *number * *factor;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array shown{
      Unit{"GB", 1ULL << 30U},
      Unit{"MB", 1ULL << 20U},
      Unit{"kB", 1ULL << 10U}};
  for (const Unit& unit : shown) {
    if (bytes != 0 && bytes % unit.factor == 0)
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
  }
  return std::to_string(bytes) + "B";
}

}  // namespace pghang
