#include "collectors/stack/cfi_check.h"

#include <dwarf.h>

#include "collectors/stack/snapshot.h"

namespace pghang {

namespace {

/// Compilers nest DW_CFA_remember_state one deep.
constexpr unsigned kMaxRemembered = 16;

bool take_register(EhCursor& program) {
  return program.take_uleb() < kRegisterCount;
}

/// What follows an operator of an expression, and whether the operator is sound at all.
struct Operand {
  bool sound = false;
  bool leb128 = false;
  std::uint64_t bytes = 0;
};

Operand operand_of(unsigned op) {
  if (op >= DW_OP_lit0 && op <= DW_OP_lit31) return {true};
  if (op >= DW_OP_breg0 && op < DW_OP_breg0 + kRegisterCount) return {true, true};
  switch (op) {
    case DW_OP_const1u:
    case DW_OP_const1s:
    case DW_OP_pick:
    case DW_OP_deref_size: return {true, false, 1};
    case DW_OP_const2u:
    case DW_OP_const2s: return {true, false, 2};
    case DW_OP_const4u:
    case DW_OP_const4s: return {true, false, 4};
    case DW_OP_addr:
    case DW_OP_const8u:
    case DW_OP_const8s: return {true, false, 8};
    case DW_OP_plus_uconst: return {true, true};
    case DW_OP_deref:
    case DW_OP_dup:
    case DW_OP_drop:
    case DW_OP_over:
    case DW_OP_swap:
    case DW_OP_rot:
    case DW_OP_and:
    case DW_OP_minus:
    case DW_OP_mul:
    case DW_OP_neg:
    case DW_OP_not:
    case DW_OP_or:
    case DW_OP_plus:
    case DW_OP_shl:
    case DW_OP_shr:
    case DW_OP_shra:
    case DW_OP_xor:
    case DW_OP_eq:
    case DW_OP_ge:
    case DW_OP_gt:
    case DW_OP_le:
    case DW_OP_lt:
    case DW_OP_ne:
    case DW_OP_nop: return {true};
    default: return {};
  }
}

/// A length and an expression of that length, which ends where its last operator does.
bool accept_expression(EhCursor& program) {
  const std::uint64_t length = program.take_uleb();
  const std::uint64_t start = program.address();
  while (program.ok() && program.address() - start < length) {
    const Operand operand = operand_of(program.take<std::uint8_t>());
    if (!operand.sound) return false;
    if (operand.leb128) program.take_uleb();
    program.skip(operand.bytes);
  }
  return program.ok() && length > 0 && program.address() - start == length;
}

}  // namespace

bool CfiChecker::accept(EhCursor program) {
  remembered_ = 0;
  while (program.ok() && !program.at_end()) {
    if (!accept_instruction(program)) return false;
  }
  return program.ok();
}

bool CfiChecker::accept_instruction(EhCursor& program) {
  const auto instruction = program.take<std::uint8_t>();
  constexpr unsigned high_bits = 0xc0;
  const unsigned low = instruction & ~high_bits;
  switch (instruction & high_bits) {
    case DW_CFA_advance_loc: return defines_cfa_;
    case DW_CFA_offset: program.take_uleb(); return low < kRegisterCount;
    case DW_CFA_restore: return low < kRegisterCount;
    default: break;
  }
  switch (instruction) {
    case DW_CFA_nop: return true;
    case DW_CFA_set_loc: program.take_pointer(pointer_encoding_, true); return defines_cfa_;
    case DW_CFA_advance_loc1: program.skip(1); return defines_cfa_;
    case DW_CFA_advance_loc2: program.skip(2); return defines_cfa_;
    case DW_CFA_advance_loc4: program.skip(4); return defines_cfa_;
    case DW_CFA_remember_state: return defines_cfa_ && ++remembered_ <= kMaxRemembered;
    case DW_CFA_restore_state: return remembered_-- > 0;
    case DW_CFA_restore_extended:
    case DW_CFA_undefined:
    case DW_CFA_same_value: return take_register(program);
    case DW_CFA_def_cfa_register: return take_register(program) && defines_cfa_;
    case DW_CFA_register: {
      const bool known = take_register(program);
      return take_register(program) && known;
    }
    case DW_CFA_offset_extended:
    case DW_CFA_offset_extended_sf:
    case DW_CFA_val_offset:
    case DW_CFA_val_offset_sf:
    case DW_CFA_GNU_negative_offset_extended: {
      const bool known = take_register(program);
      program.take_uleb();
      return known;
    }
    case DW_CFA_def_cfa:
    case DW_CFA_def_cfa_sf:
      defines_cfa_ = take_register(program);
      program.take_uleb();
      return defines_cfa_;
    case DW_CFA_def_cfa_offset:
    case DW_CFA_def_cfa_offset_sf:
    case DW_CFA_GNU_args_size: program.take_uleb(); return true;
    case DW_CFA_def_cfa_expression: defines_cfa_ = accept_expression(program); return defines_cfa_;
    case DW_CFA_expression:
    case DW_CFA_val_expression: return take_register(program) && accept_expression(program);
    default: return false;
  }
}

}  // namespace pghang
