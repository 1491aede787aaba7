#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "collectors/process/parsers.h"
#include "collectors/stack/elf_module.h"
#include "config/result.h"

namespace pghang {

/// Port: the module behind a mapping.
class ModuleSource {
 public:
  ModuleSource() = default;
  ModuleSource(const ModuleSource&) = delete;
  ModuleSource& operator=(const ModuleSource&) = delete;
  virtual ~ModuleSource() = default;

  /// The module of a file-backed (or vDSO) mapping; null when it is not to be had.
  [[nodiscard]] virtual std::shared_ptr<const ElfModule> module_of(const Mapping& mapping
  ) const = 0;
};

/// Bounds and places; production takes the defaults.
struct ModuleCacheOptions {
  std::size_t max_files = 256;  ///< a backend with 40 extensions maps about 100
  /// Of all that is mapped and parsed. PostgreSQL and its libraries take 30 MB, with debug files
  /// 100, with libLLVM 250.
  std::size_t max_bytes = 512U << 20U;
  std::string debug_root = "/usr/lib/debug";  ///< empty: no separate debug files
  /// What could not be had is tried again after this: its process may have ended meanwhile.
  std::chrono::milliseconds retry{30'000};
};

/// Parsed modules. A mapped file is known by device, inode and path; files of the same build id and
/// size (containers of one image, an upgrade that changed nothing) share one module. Bounded by
/// count and bytes, least recently loaded out. Worker only: it opens files.
class ModuleCache final : public ModuleSource {
 public:
  explicit ModuleCache(ModuleCacheOptions options = {}) : options_(std::move(options)) {}

  /// Opens and parses what the executable mappings of `pid` name and the cache does not hold yet:
  /// through /proc/PID/map_files where permitted, /proc/PID/exe, else below /proc/PID/root with
  /// device and inode checked by fstat of the opened file. A deleted file that cannot be opened
  /// stays missing, and so does what one process maps beyond the bounds. Debug files are looked for
  /// below /proc/PID/root, then below our own. May block on a hung file system.
  void load(pid_t pid, const std::vector<Mapping>& mappings);

  /// True when every executable file mapping is known (or known to be missing): no load() needed.
  [[nodiscard]] bool covers(const std::vector<Mapping>& mappings) const;

  [[nodiscard]] std::shared_ptr<const ElfModule> module_of(const Mapping& mapping) const override;

  /// Gives the modules of a build id the debug file that is open as `fd`; false when it is not
  /// theirs.
  bool add_debug_file(const std::string& build_id, int fd);

  /// Different modules, and what they take (ElfModule::bytes).
  [[nodiscard]] std::size_t modules() const { return distinct().size(); }

  [[nodiscard]] std::size_t bytes() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string>;

  struct Entry {
    std::shared_ptr<const ElfModule> module;  ///< null: tried and failed
    std::uint64_t last_used = 0;
    Clock::time_point tried;
  };

  class Loader;

  [[nodiscard]] static Key key_of(const Mapping& mapping);
  [[nodiscard]] bool due(const Entry& entry) const;
  [[nodiscard]] std::set<const ElfModule*> distinct() const;
  [[nodiscard]] std::shared_ptr<const ElfModule>
  same_build(const std::string& build_id, std::size_t file_bytes) const;
  [[nodiscard]] bool make_room();

  ModuleCacheOptions options_;
  std::map<Key, Entry> entries_;
  std::uint64_t clock_ = 0;
};

}  // namespace pghang
