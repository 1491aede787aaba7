#include <algorithm>

#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

/// The number after `name` at the start of a line.
template <typename T>
std::optional<T> named_number(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_word(line) == name) return to_number<T>(trimmed(line));
  }
  return std::nullopt;
}

}  // namespace

Result<IoCounters> parse_io(std::string_view text) {
  const auto rchar = named_number<std::uint64_t>(text, "rchar:");
  const auto wchar = named_number<std::uint64_t>(text, "wchar:");
  const auto read_bytes = named_number<std::uint64_t>(text, "read_bytes:");
  const auto write_bytes = named_number<std::uint64_t>(text, "write_bytes:");
  if (!rchar || !wchar || !read_bytes || !write_bytes) return malformed("io");
  return IoCounters{*rchar, *wchar, *read_bytes, *write_bytes};
}

Result<std::uint64_t> parse_schedstat(std::string_view text) {
  const auto nanos = to_number<std::uint64_t>(take_word(text));
  if (!nanos) return malformed("schedstat");
  return *nanos;
}

Result<std::int64_t> parse_btime(std::string_view text) {
  const auto seconds = named_number<std::int64_t>(text, "btime");
  if (!seconds) return malformed("stat");
  return *seconds;
}

std::vector<std::string> parse_kernel_stack(std::string_view text) {
  std::vector<std::string> frames;
  while (!text.empty()) {
    std::string_view line = trimmed(take_line(text));
    if (const std::size_t bracket = line.find("] "); bracket != std::string_view::npos)
      line.remove_prefix(bracket + 2);
    // Kernels before 5.x close the list with this address.
    if (!line.empty() && line != "0xffffffffffffffff") frames.emplace_back(line);
  }
  return frames;
}

std::string parse_cmdline(std::string_view bytes) {
  std::string text(bytes);
  std::replace(text.begin(), text.end(), '\0', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace pghang
