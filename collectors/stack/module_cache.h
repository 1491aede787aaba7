#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
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

/// Parsed modules by device, inode and path; bounded, least recently used out. Worker only: it
/// opens files.
class ModuleCache final : public ModuleSource {
 public:
  /// Separate debug files are looked for by build id below `debug_root`; empty: not at all.
  explicit ModuleCache(std::size_t max_modules = 128, std::string debug_root = "/usr/lib/debug");

  /// Opens and parses what the executable mappings of `pid` name and the cache does not hold yet:
  /// through /proc/PID/map_files where permitted, /proc/PID/exe, else /proc/PID/root + path with
  /// device and inode checked by fstat of the opened file. A deleted file that cannot be opened
  /// stays missing. Remembers failures, so a module that cannot be had is tried once. May block on
  /// a hung file system.
  void load(pid_t pid, const std::vector<Mapping>& mappings);

  /// True when every executable file mapping is known (or known to be missing): no load() needed.
  [[nodiscard]] bool covers(const std::vector<Mapping>& mappings) const;

  [[nodiscard]] std::shared_ptr<const ElfModule> module_of(const Mapping& mapping) const override;

 private:
  struct Entry {
    std::shared_ptr<const ElfModule> module;  ///< null: tried and failed
    std::uint64_t last_used = 0;
  };

  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string>;
  std::map<Key, Entry> entries_;
  std::size_t max_modules_;
  std::string debug_root_;
  std::uint64_t clock_ = 0;
};

}  // namespace pghang
