#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Text of single values as strace(1) writes them.
namespace pghang {

/// A bit, or a value, and its name.
struct NamedValue {
  std::uint64_t value = 0;
  std::string_view name;
};

/// `0x7ffc0`, or `NULL`.
[[nodiscard]] std::string address_text(std::uint64_t address);

/// `0x1f`; zero is `0`.
[[nodiscard]] std::string hex_text(std::uint64_t value);

/// Names joined by `|` in the table's order, what is left over in hex, `0` for none. An entry of
/// several bits needs all of them, so it stands before the entries it is made of.
[[nodiscard]] std::string flags_text(std::uint64_t value, std::span<const NamedValue> names);

/// The name of a value; hex when it has none.
[[nodiscard]] std::string constant_text(std::uint64_t value, std::span<const NamedValue> names);

/// open(2)'s flags, the access mode first.
[[nodiscard]] std::string open_flags_text(std::uint64_t flags);

/// clock_gettime(2)'s `CLOCK_MONOTONIC`, ...
[[nodiscard]] std::string clock_text(std::uint64_t clock);

inline constexpr int kSignals = 64;

/// `URG`, `RTMIN`, `RT_1`: a signal of the kernel's numbering, 1 to kSignals.
[[nodiscard]] std::string signal_text(int signal);

/// `[INT TERM]`, `~[KILL]` where most are in it; bit n-1 stands for signal n.
[[nodiscard]] std::string signal_set_text(std::uint64_t set);

/// In double quotes, with strace's escapes.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace pghang
