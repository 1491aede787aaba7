#include "collectors/process/block_device.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "collectors/process/parse_text.h"

namespace pghang {
namespace {

std::string backing_of(const ProcFs& proc, const std::string& folder) {
  // A partition's folder is inside that of its loop device.
  for (const char* file : {"/loop/backing_file", "/../loop/backing_file"})
    if (const Result<std::string> text = proc.read_sys(folder + file))
      return std::string(trimmed(*text));
  Result<std::vector<std::string>> slaves = proc.list_sys(folder + "/slaves");
  if (!slaves) return {};
  std::ranges::sort(*slaves);
  std::string all;
  for (const std::string& slave : *slaves)
    all += (all.empty() ? "/dev/" : ", /dev/") + slave;
  return all;
}

}  // namespace

std::optional<BlockDevice>
block_device(const ProcFs& proc, std::uint32_t major_number, std::uint32_t minor_number) {
  if (major_number == 0) return std::nullopt;
  const std::string folder =
      "dev/block/" + std::to_string(major_number) + ':' + std::to_string(minor_number);
  const Result<std::string> link = proc.sys_link(folder);
  if (!link) return std::nullopt;
  std::string name = link->substr(link->rfind('/') + 1);
  // Names with a `/` in /dev have a `!` there (cciss!c0d0).
  std::ranges::replace(name, '!', '/');
  return BlockDevice{"/dev/" + name, backing_of(proc, folder)};
}

}  // namespace pghang
