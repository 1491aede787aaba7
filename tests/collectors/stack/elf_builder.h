#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectors/stack/module_cache.h"
#include "collectors/stack/snapshot.h"

namespace pghang::test {

/// CFI of a function with `push %rbp; mov %rsp,%rbp` at its start.
[[nodiscard]] std::string frame_pointer_cfi();
/// DW_CFA_undefined of the return address, as in `_start` and `clone`.
[[nodiscard]] std::string outermost_cfi();

/// One function of a made-up module.
struct BuiltFunction {
  std::string name;  ///< empty: no symbol
  std::uint64_t address = 0;
  std::string code;
  std::string cfi;  ///< after the CIE's `CFA = rsp+8, return address at CFA-8`
  bool signal_frame = false;
  bool has_fde = true;
};

/// `call` to `target`, placed at `address`.
[[nodiscard]] std::string call(std::uint64_t address, std::uint64_t target);

inline constexpr std::uint64_t kTextStart = 0x1000;
inline constexpr std::uint64_t kTextEnd = 0x2000;
inline constexpr std::uint64_t kEhFrame = 0x2000;
inline constexpr std::uint64_t kEhFrameHdr = 0x4000;

/// An ELF shared object with .eh_frame, .eh_frame_hdr and .dynsym. Code is in [kTextStart,
/// kTextEnd), file offsets equal addresses.
[[nodiscard]] std::string build_elf(std::vector<BuiltFunction> functions);

/// Modules by the path of the mapping.
class MapModules final : public ModuleSource {
 public:
  MapModules() = default;
  MapModules(const std::string& path, std::shared_ptr<const ElfModule> module);

  void add(const std::string& path, std::shared_ptr<const ElfModule> module);

  [[nodiscard]] std::shared_ptr<const ElfModule> module_of(const Mapping& mapping) const override;

 private:
  std::map<std::string, std::shared_ptr<const ElfModule>> modules_;
};

inline constexpr std::uint64_t kBias = 0x5500'0000'0000;
inline constexpr std::uint64_t kStackStart = 0x7ffc'0000'0000;

/// A snapshot as capture_in_place() takes it: the module at kBias, `words` on the stack.
[[nodiscard]] StackSnapshot
in_place_snapshot(std::uint64_t pc, const std::vector<std::uint64_t>& words);

/// `function` of each frame; `?` where it has none, `<signal>` for a signal frame.
[[nodiscard]] std::vector<std::string> names(const StackTrace& trace);

}  // namespace pghang::test
