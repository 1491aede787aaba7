#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/stack/address_layout.h"

/// What the machine code around a return address says about who was called.
namespace pghang {

/// The call instruction that ends at a return address (Intel SDM volume 2, CALL).
struct CallSite {
  enum class Kind {
    none,      ///< no call instruction ends there
    direct,    ///< E8 rel32: `target` is what it calls, a function or a PLT stub
    slot,      ///< FF 15 disp32: calls through the GOT slot at `target`
    indirect,  ///< FF /2: calls through a register or memory
  };

  Kind kind = Kind::none;
  std::uint64_t target = 0;
};

[[nodiscard]] CallSite call_before(const AddressLayout& layout, std::uint64_t return_address);

/// True when the call surely goes to the function that starts at `function`: directly, or through a
/// PLT stub or GOT slot whose relocation names a symbol at that address.
[[nodiscard]] bool calls(const AddressLayout& layout, const CallSite& site, std::uint64_t function);

/// Bytes of locals that the function whose code begins with `code` reserves by `sub $n,%rsp` in its
/// straight-line prologue; 0 when none is found or an instruction is not understood.
[[nodiscard]] std::uint64_t prologue_locals(std::string_view code);

}  // namespace pghang
