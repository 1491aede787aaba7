#include <algorithm>

#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

/// seq_path() escapes nothing but the newline here; a backslash in a name stands for itself.
std::string decode_newlines(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  std::string decoded;
  while (!text.empty()) {
    const std::size_t escape = text.find("\\012");
    decoded += text.substr(0, escape);
    if (escape == std::string_view::npos) break;
    decoded += '\n';
    text.remove_prefix(escape + 4);
  }
  return decoded;
}

bool parse_range(std::string_view word, Mapping& mapping) {
  const std::size_t dash = word.find('-');
  if (dash == std::string_view::npos) return false;
  const auto start = to_number<std::uint64_t>(word.substr(0, dash), 16);
  const auto end = to_number<std::uint64_t>(word.substr(dash + 1), 16);
  if (!start || !end || *end < *start) return false;
  mapping.start = *start;
  mapping.end = *end;
  return true;
}

bool parse_permissions(std::string_view word, Mapping& mapping) {
  if (word.size() != 4) return false;
  mapping.readable = word[0] == 'r';
  mapping.writable = word[1] == 'w';
  mapping.executable = word[2] == 'x';
  return true;
}

bool parse_device(std::string_view word, Mapping& mapping) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return false;
  const auto major = to_number<std::uint32_t>(word.substr(0, colon), 16);
  const auto minor = to_number<std::uint32_t>(word.substr(colon + 1), 16);
  if (!major || !minor) return false;
  mapping.device = *major << 20U | *minor;
  return true;
}

bool parse_line(std::string_view line, Mapping& mapping) {
  if (!parse_range(take_word(line), mapping)) return false;
  if (!parse_permissions(take_word(line), mapping)) return false;
  const auto offset = to_number<std::uint64_t>(take_word(line), 16);
  if (!offset || !parse_device(take_word(line), mapping)) return false;
  const auto inode = to_number<std::uint64_t>(take_word(line));
  if (!inode) return false;
  mapping.offset = *offset;
  mapping.inode = *inode;

  // The padding goes, blanks at the end of a name stay.
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.ends_with(kDeleted)) {
    mapping.deleted = true;
    line.remove_suffix(kDeleted.size());
  }
  mapping.path = decode_newlines(line);
  return true;
}

}  // namespace

Result<std::vector<Mapping>> parse_maps(std::string_view text) {
  std::vector<Mapping> mappings;
  mappings.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  while (!text.empty())
    if (!parse_line(take_line(text), mappings.emplace_back())) return malformed("maps");
  return mappings;
}

}  // namespace pghang
