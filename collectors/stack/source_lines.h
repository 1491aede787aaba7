#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectors/evidence/stack_trace.h"
#include "collectors/stack/dwarf_file.h"
#include "collectors/stack/elf_module.h"
#include "collectors/stack/module_cache.h"

/// Source files and lines for the frames of one trace. Three steps, so that the middle one, which
/// reads DWARF, can be done by a process that may be ended.
namespace pghang {

/// The code of one frame: what to look up.
struct CodeSite {
  std::size_t frame = 0;                    ///< its index in the trace
  std::shared_ptr<const ElfModule> module;  ///< not null
  std::uint64_t address = 0;  ///< in the module's own numbering, inside the instruction meant

  friend bool operator==(const CodeSite&, const CodeSite&) = default;
};

/// The frames whose module could be had. A caller's site is its call; that of frame 0 is its pc,
/// the line where it goes on, as gdb shows it.
[[nodiscard]] std::vector<CodeSite> code_sites(
    const StackTrace& trace,
    const std::vector<Mapping>& mappings,
    const ModuleSource& modules
);

/// Reads the DWARF of the sites' modules: a chain for each site, empty where there is none. Costs
/// what unpacking that costs: 0.1 s for a debug package of PostgreSQL.
[[nodiscard]] std::vector<SourceChain> look_up(const std::vector<CodeSite>& sites);

/// What has been looked up, for as long as its module is loaded; bounded. A hang is captured again
/// and again, with the same frames.
class SourceCache {
 public:
  /// Null: not looked up yet. Valid until the next remember().
  [[nodiscard]] const SourceChain* find(const CodeSite& site) const;
  void remember(const CodeSite& site, SourceChain chain);

 private:
  using Module = std::weak_ptr<const ElfModule>;
  std::map<Module, std::map<std::uint64_t, SourceChain>, std::owner_less<Module>> modules_;
  std::size_t size_ = 0;
};

/// Gives the frames file and line, and, where their function has no exported name, the name that
/// DWARF has. `inlines`: also adds frames for what is inlined there, at most kMaxInlinedFrames.
void put_source(
    StackTrace& trace,
    const std::vector<CodeSite>& sites,
    const SourceCache& sources,
    bool inlines
);

inline constexpr std::size_t kMaxInlinedFrames = 256;

}  // namespace pghang
