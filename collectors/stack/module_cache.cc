#include "collectors/stack/module_cache.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "config/unique_fd.h"

namespace pghang {

namespace {

constexpr std::string_view kVdso = "[vdso]";
constexpr std::size_t kMaxVdsoBytes = 16U << 10U;

/// A mapping of a file. The kernel names only those with an absolute path; `memfd:` and the like
/// begin with a slash too and simply fail to open.
bool names_file(const Mapping& mapping) {
  return mapping.inode != 0 && mapping.path.starts_with('/');
}

bool wanted(const Mapping& mapping) {
  return mapping.executable && (names_file(mapping) || mapping.path == kVdso);
}

/// Never the file behind a device or a FIFO, and never a terminal: open() must not have effects.
UniqueFd open_file(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

/// True when the opened file is the one that is mapped. On btrfs and overlayfs stat and maps show
/// different anonymous devices (major 0) for one file; there the inode has to do.
bool is_mapped_file(const UniqueFd& fd, const Mapping& mapping) {
  struct stat status {};

  if (!fd || ::fstat(fd.get(), &status) != 0 || status.st_ino != mapping.inode) return false;
  const std::uint32_t device = gnu_dev_major(status.st_dev) << 20U | gnu_dev_minor(status.st_dev);
  constexpr unsigned major_shift = 20;
  const bool both_anonymous = device >> major_shift == 0 && mapping.device >> major_shift == 0;
  return device == mapping.device || both_anonymous;
}

std::string map_files_path(const std::string& process, const Mapping& mapping) {
  constexpr std::size_t range_text = 40;
  std::array<char, range_text> range{};
  std::snprintf(range.data(), range.size(), "%lx-%lx", mapping.start, mapping.end);
  return process + "/map_files/" + range.data();
}

/// What the mapping shows, by the ways that are open to us.
UniqueFd open_mapped_file(pid_t pid, const Mapping& mapping) {
  const std::string process = "/proc/" + std::to_string(pid);
  for (const std::string& path :
       {map_files_path(process, mapping), process + "/exe", process + "/root" + mapping.path}) {
    UniqueFd fd = open_file(path);
    if (is_mapped_file(fd, mapping)) return fd;
  }
  return {};
}

/// The vDSO of this process: the target runs on the same kernel, and its own copy is not in the
/// snapshot.
std::string own_vdso() {
  const auto* start = reinterpret_cast<const char*>(::getauxval(AT_SYSINFO_EHDR));
  if (start == nullptr) return {};
  Elf64_Ehdr header;
  std::memcpy(&header, start, sizeof header);
  const std::uint64_t size = header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize;
  return size <= kMaxVdsoBytes ? std::string(start, size) : std::string();
}

std::shared_ptr<const ElfModule>
load_module(pid_t pid, const Mapping& mapping, const std::string& debug_root) {
  if (mapping.path == kVdso) {
    auto parsed = ElfModule::parse(own_vdso());
    return parsed ? *parsed : nullptr;
  }
  const UniqueFd fd = open_mapped_file(pid, mapping);
  if (!fd) return nullptr;
  auto opened = ElfModule::open(fd.get(), debug_root);
  return opened ? *opened : nullptr;
}

}  // namespace

ModuleCache::ModuleCache(std::size_t max_modules, std::string debug_root)
    : max_modules_(max_modules),
      debug_root_(std::move(debug_root)) {}

void ModuleCache::load(pid_t pid, const std::vector<Mapping>& mappings) {
  ++clock_;
  for (const Mapping& mapping : mappings) {
    if (!wanted(mapping)) continue;
    const auto [entry, added] =
        entries_.try_emplace(Key(mapping.device, mapping.inode, mapping.path));
    if (added) entry->second.module = load_module(pid, mapping, debug_root_);
    entry->second.last_used = clock_;
  }
  while (entries_.size() > max_modules_) {
    const auto oldest =
        std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
          return a.second.last_used < b.second.last_used;
        });
    entries_.erase(oldest);
  }
}

bool ModuleCache::covers(const std::vector<Mapping>& mappings) const {
  return std::all_of(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
    return !wanted(mapping) || entries_.contains(Key(mapping.device, mapping.inode, mapping.path));
  });
}

std::shared_ptr<const ElfModule> ModuleCache::module_of(const Mapping& mapping) const {
  const auto found = entries_.find(Key(mapping.device, mapping.inode, mapping.path));
  return found == entries_.end() ? nullptr : found->second.module;
}

}  // namespace pghang
