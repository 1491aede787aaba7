#include "collectors/stack/module_cache.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "collectors/stack/debug_files.h"
#include "collectors/stack/regular_file.h"
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

/// True when the opened file is the one that is mapped. On btrfs and overlayfs stat and maps show
/// different anonymous devices (major 0) for one file; there the inode has to do.
bool is_mapped_file(const Result<UniqueFd>& fd, const Mapping& mapping) {
  struct stat status {};

  if (!fd || ::fstat(fd->get(), &status) != 0 || status.st_ino != mapping.inode) return false;
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

bool same_directory(const UniqueFd& a, const UniqueFd& b) {
  struct stat one {};

  struct stat other {};

  return ::fstat(a.get(), &one) == 0 && ::fstat(b.get(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

/// One load(): the target's root is opened once, when the first file needs it.
class ModuleCache::Loader {
 public:
  Loader(pid_t pid, const ModuleCache& cache)
      : process_("/proc/" + std::to_string(pid)),
        cache_(cache) {}

  [[nodiscard]] std::shared_ptr<const ElfModule> load(const Mapping& mapping) {
    if (mapping.path == kVdso) {
      auto parsed = ElfModule::parse(own_vdso());
      return parsed ? *parsed : nullptr;
    }
    if (places_.roots.empty()) open_roots();
    auto file = map(mapping);
    if (!file) return nullptr;
    const auto image = ElfImage::parse(file->view());
    if (!image) return nullptr;
    if (auto known = cache_.same_build(image->build_id(), file->view().size())) return known;
    places_.directory = mapping.path.substr(0, mapping.path.rfind('/'));
    auto module = ElfModule::load(std::move(*file), places_);
    return module ? *module : nullptr;
  }

 private:
  void open_roots() {
    places_.debug_root = cache_.options_.debug_root;
    UniqueFd own = open_root("/");
    UniqueFd theirs = open_root(process_ + "/root");
    const bool contained = theirs && !same_directory(own, theirs);
    if (contained) places_.roots.push_back(std::move(theirs));
    places_.roots.push_back(std::move(own));
  }

  /// What the mapping shows, by the ways that are open to us.
  [[nodiscard]] Result<FileBytes> map(const Mapping& mapping) const {
    auto fd = open_regular(map_files_path(process_, mapping));
    if (!is_mapped_file(fd, mapping)) fd = open_regular(process_ + "/exe");
    for (auto root = places_.roots.begin();
         root != places_.roots.end() && !is_mapped_file(fd, mapping);
         ++root)
      fd = open_regular_in(*root, mapping.path);
    if (!is_mapped_file(fd, mapping)) return Error{Errc::not_found, mapping.path};
    return FileBytes::map(fd->get());
  }

  std::string process_;
  const ModuleCache& cache_;
  DebugPlaces places_;
};

ModuleCache::Key ModuleCache::key_of(const Mapping& mapping) {
  return {mapping.device, mapping.inode, mapping.path};
}

bool ModuleCache::due(const Entry& entry) const {
  return entry.module == nullptr && Clock::now() - entry.tried >= options_.retry;
}

void ModuleCache::load(pid_t pid, const std::vector<Mapping>& mappings) {
  ++clock_;
  Loader loader(pid, *this);
  for (const Mapping& mapping : mappings) {
    if (!wanted(mapping)) continue;
    const auto [found, added] = entries_.try_emplace(key_of(mapping));
    Entry& entry = found->second;
    entry.last_used = clock_;
    if (!added && !due(entry)) continue;
    entry.module = loader.load(mapping);
    entry.tried = Clock::now();
    if (make_room()) continue;
    entry.module = nullptr;
    if (entries_.size() > options_.max_files) entries_.erase(found);
  }
}

/// Forgets what this load does not use; false when that is not enough.
bool ModuleCache::make_room() {
  while (entries_.size() > options_.max_files || bytes() > options_.max_bytes) {
    const auto oldest =
        std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
          return a.second.last_used < b.second.last_used;
        });
    if (oldest->second.last_used == clock_) return false;
    entries_.erase(oldest);
  }
  return true;
}

std::set<const ElfModule*> ModuleCache::distinct() const {
  std::set<const ElfModule*> modules;
  for (const auto& [key, entry] : entries_)
    if (entry.module != nullptr) modules.insert(entry.module.get());
  return modules;
}

std::size_t ModuleCache::bytes() const {
  std::size_t sum = 0;
  for (const ElfModule* module : distinct())
    sum += module->bytes();
  return sum;
}

std::shared_ptr<const ElfModule>
ModuleCache::same_build(const std::string& build_id, std::size_t file_bytes) const {
  if (build_id.empty()) return nullptr;
  for (const auto& [key, entry] : entries_) {
    const ElfModule* module = entry.module.get();
    if (module == nullptr || module->build_id() != build_id) continue;
    if (module->file_bytes() == file_bytes) return entry.module;
  }
  return nullptr;
}

bool ModuleCache::add_debug_file(const std::string& build_id, int fd) {
  std::map<const ElfModule*, std::shared_ptr<const ElfModule>> richer;
  for (auto& [key, entry] : entries_) {
    if (entry.module == nullptr || entry.module->build_id() != build_id) continue;
    auto& module = richer[entry.module.get()];
    if (module == nullptr) module = entry.module->with_debug_file(fd);
    if (module == nullptr) return false;
    entry.module = module;
  }
  ++clock_;
  return !richer.empty() && make_room();
}

bool ModuleCache::covers(const std::vector<Mapping>& mappings) const {
  return std::all_of(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
    if (!wanted(mapping)) return true;
    const auto found = entries_.find(key_of(mapping));
    return found != entries_.end() && !due(found->second);
  });
}

std::shared_ptr<const ElfModule> ModuleCache::module_of(const Mapping& mapping) const {
  const auto found = entries_.find(key_of(mapping));
  return found == entries_.end() ? nullptr : found->second.module;
}

}  // namespace pghang
