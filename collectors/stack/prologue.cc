#include <optional>

#include "collectors/stack/call_site.h"
#include "collectors/stack/elf_image.h"

namespace pghang {

namespace {

/// How many bytes follow an opcode: whether a ModRM byte does, and how large the immediate is.
struct Operands {
  bool modrm = false;
  std::size_t immediate = 0;
};

/// Instructions that GCC and clang put into a prologue. Nothing for all others, above all branches.
std::optional<Operands> one_byte_operands(unsigned opcode, bool wide, bool narrow) {
  if (opcode < 0x40 && (opcode & 7U) < 4) return Operands{true, 0};  // add … cmp
  if (opcode >= 0x50 && opcode <= 0x5f) return Operands{false, 0};   // push, pop
  if (opcode == 0x63 || (opcode >= 0x84 && opcode <= 0x8b) || opcode == 0x8d) {
    return Operands{true, 0};  // movslq, test, xchg, mov, lea
  }
  if (opcode == 0x90) return Operands{false, 0};  // nop
  if (opcode == 0x80 || opcode == 0x83 || opcode == 0xc6) return Operands{true, 1};
  if (opcode == 0x81 || opcode == 0xc7) return Operands{true, narrow ? 2U : 4U};
  if (opcode >= 0xb8 && opcode <= 0xbf) {
    return Operands{false, wide ? 8U : narrow ? 2U : 4U};  // mov $n,%reg
  }
  return std::nullopt;
}

/// endbr64, nop, SSE moves and logic, movzx, movsx.
bool two_byte_has_modrm_only(unsigned opcode) {
  switch (opcode) {
    case 0x10:
    case 0x11:
    case 0x16:
    case 0x1e:
    case 0x1f:
    case 0x28:
    case 0x29:
    case 0x57:
    case 0x6c:
    case 0x6e:
    case 0x6f:
    case 0x7e:
    case 0x7f:
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf:
    case 0xd6:
    case 0xef: return true;
    default: return false;
  }
}

/// Bytes of ModRM, SIB and displacement.
std::size_t modrm_length(unsigned modrm, unsigned sib) {
  const unsigned mod = modrm >> 6U;
  const unsigned rm = modrm & 7U;
  if (mod == 3) return 1;
  const std::size_t base = rm == 4 ? 2 : 1;
  if (mod == 1) return base + 1;
  if (mod == 2 || rm == 5 || (rm == 4 && (sib & 7U) == 5)) return base + 4;
  return base;
}

unsigned peek(std::string_view code, std::size_t index) {
  return index < code.size() ? static_cast<unsigned char>(code[index]) : 0U;
}

bool is_legacy_prefix(unsigned byte) {
  return byte == 0x64 || byte == 0x66 || byte == 0xf2 || byte == 0xf3;
}

}  // namespace

std::uint64_t prologue_locals(std::string_view code) {
  while (!code.empty()) {
    bool narrow = false;
    while (is_legacy_prefix(peek(code, 0))) {
      narrow = narrow || peek(code, 0) == 0x66;
      code.remove_prefix(1);
    }
    bool wide = false;
    if (const unsigned rex = peek(code, 0); rex >> 4U == 4) {
      wide = (rex & 8U) != 0;
      code.remove_prefix(1);
    }
    const unsigned opcode = peek(code, 0);
    const unsigned modrm = peek(code, 1);
    constexpr unsigned sub_from_rsp = 0xec;
    if (wide && modrm == sub_from_rsp && opcode == 0x83) return peek(code, 2) & 0x7fU;
    if (wide && modrm == sub_from_rsp && opcode == 0x81) {
      const auto size = code.size() > 2 ? record_at<std::int32_t>(code.substr(2), 0) : std::nullopt;
      return size && *size > 0 ? static_cast<std::uint64_t>(*size) : 0;
    }
    std::size_t length = 1;
    Operands operands;
    if (opcode == 0x0f) {
      if (!two_byte_has_modrm_only(modrm)) return 0;
      code.remove_prefix(1);
      operands.modrm = true;
    } else {
      const auto known = one_byte_operands(opcode, wide, narrow);
      if (!known) return 0;
      operands = *known;
    }
    if (operands.modrm) length += modrm_length(peek(code, 1), peek(code, 2));
    length += operands.immediate;
    if (length > code.size()) return 0;
    code.remove_prefix(length);
  }
  return 0;
}

}  // namespace pghang
