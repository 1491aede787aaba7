#include "collectors/process/argument_text.h"

#include <fcntl.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <ctime>

namespace pghang {
namespace {

std::string in_base(std::uint64_t value, int base) {
  std::array<char, 24> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  return {digits.data(), result.ptr};
}

constexpr std::array<NamedValue, 3> kAccessModes{{
    {O_RDONLY, "O_RDONLY"},
    {O_WRONLY, "O_WRONLY"},
    {O_RDWR, "O_RDWR"},
}};

constexpr std::array<NamedValue, 16> kOpenFlags{{
    {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},
    {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},
    {O_NONBLOCK, "O_NONBLOCK"},
    {O_SYNC, "O_SYNC"},
    {O_DSYNC, "O_DSYNC"},
    {O_ASYNC, "O_ASYNC"},
    {O_DIRECT, "O_DIRECT"},
    {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"},
    {O_CLOEXEC, "O_CLOEXEC"},
    {O_PATH, "O_PATH"},
    {O_TMPFILE, "O_TMPFILE"},
    {O_DIRECTORY, "O_DIRECTORY"},
}};

constexpr std::array<NamedValue, 11> kClocks{{
    {CLOCK_REALTIME, "CLOCK_REALTIME"},
    {CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
    {CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID"},
    {CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID"},
    {CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW"},
    {CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE"},
    {CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE"},
    {CLOCK_BOOTTIME, "CLOCK_BOOTTIME"},
    {CLOCK_REALTIME_ALARM, "CLOCK_REALTIME_ALARM"},
    {CLOCK_BOOTTIME_ALARM, "CLOCK_BOOTTIME_ALARM"},
    {CLOCK_TAI, "CLOCK_TAI"},
}};

/// The letter of a C escape, 0 when the character has none.
char escape_letter(char c) {
  switch (c) {
    case '"':
    case '\\': return c;
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    default: return 0;
  }
}

}  // namespace

std::string address_text(std::uint64_t address) {
  return address == 0 ? "NULL" : "0x" + in_base(address, 16);
}

std::string hex_text(std::uint64_t value) {
  return value == 0 ? "0" : "0x" + in_base(value, 16);
}

std::string flags_text(std::uint64_t value, std::span<const NamedValue> names) {
  std::string text;
  for (const NamedValue& flag : names) {
    if ((value & flag.value) != flag.value) continue;
    value &= ~flag.value;
    if (!text.empty()) text += '|';
    text += flag.name;
  }
  if (text.empty()) return hex_text(value);
  if (value != 0) text += '|' + hex_text(value);
  return text;
}

std::string constant_text(std::uint64_t value, std::span<const NamedValue> names) {
  for (const NamedValue& constant : names)
    if (constant.value == value) return std::string(constant.name);
  return hex_text(value);
}

std::string open_flags_text(std::uint64_t flags) {
  std::string text = constant_text(flags & O_ACCMODE, kAccessModes);
  const std::uint64_t others = flags & ~static_cast<std::uint64_t>(O_ACCMODE);
  if (others != 0) text += '|' + flags_text(others, kOpenFlags);
  return text;
}

std::string clock_text(std::uint64_t clock) {
  return constant_text(clock, kClocks);
}

std::string signal_text(int signal) {
  constexpr int first_real_time = 32;  // the kernel's SIGRTMIN; libc keeps the first two for itself
  if (signal < first_real_time) {
    const char* const name = ::sigabbrev_np(signal);
    return name == nullptr ? std::to_string(signal) : name;
  }
  if (signal == first_real_time) return "RTMIN";
  return "RT_" + std::to_string(signal - first_real_time);
}

std::string signal_set_text(std::uint64_t set) {
  const bool most = std::popcount(set) >= kSignals * 2 / 3;
  if (most) set = ~set;
  std::string text = most ? "~[" : "[";
  bool first = true;
  for (int signal = 1; signal <= kSignals; ++signal) {
    if ((set >> static_cast<unsigned>(signal - 1) & 1U) == 0) continue;
    text += (first ? "" : " ") + signal_text(signal);
    first = false;
  }
  return text + ']';
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (const char letter = escape_letter(c); letter != 0) {
      result += '\\';
      result += letter;
    } else if (c >= ' ' && c <= '~') {
      result += c;
    } else {
      // The shortest octal form, unless a digit after it would then belong to it.
      std::string octal = in_base(static_cast<unsigned char>(c), 8);
      const bool digit_follows = i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
      if (digit_follows) octal.insert(0, 3 - octal.size(), '0');
      result += '\\' + octal;
    }
  }
  return result + '"';
}

}  // namespace pghang
