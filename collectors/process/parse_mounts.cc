#include <algorithm>

#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

bool list_holds(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == wanted) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// Everything after the separator ` - ` is: type, source, options of the super block.
std::optional<Mount> parse_mount(std::string_view line) {
  Mount mount;
  const auto id = to_number<int>(take_word(line));
  [[maybe_unused]] const std::string_view parent = take_word(line);
  const auto device = parse_device(take_word(line), 10);
  mount.root = decode_octal_escapes(take_word(line));
  mount.mount_point = decode_octal_escapes(take_word(line));
  std::string_view word = take_word(line);
  while (!word.empty() && word != "-")
    word = take_word(line);
  mount.fs_type = decode_octal_escapes(take_word(line));
  if (!id || !device || mount.fs_type.empty()) return std::nullopt;
  mount.id = *id;
  mount.device_major = device->major_number;
  mount.device_minor = device->minor_number;
  // A mount without a source has an empty word here, which leaves two blanks side by side.
  if (!line.starts_with("  ")) mount.source = decode_octal_escapes(take_word(line));
  mount.super_options = take_word(line);
  return mount;
}

}  // namespace

CgroupPaths parse_cgroup(std::string_view text) {
  CgroupPaths paths;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (controllers.empty() && line.starts_with("0:")) paths.unified = path;
    if (list_holds(controllers, "freezer")) paths.freezer_v1 = path;
  }
  return paths;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty())
    if (auto mount = parse_mount(take_line(text))) mounts.push_back(std::move(*mount));
  return mounts;
}

}  // namespace pghang
