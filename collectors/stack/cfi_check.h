#pragma once

#include <cstdint>

#include "collectors/stack/eh_cursor.h"

namespace pghang {

/// Whether libunwind can be given a CFI program. libunwind 1.6 uses register numbers of the tables
/// as array indexes, asserts that a CFA is defined and divides without a look at the operands, so
/// damaged tables would end the worker. Sound is what compilers write for x86-64: known
/// instructions, registers up to the return address, expressions without branches and division.
/// One checker takes the CIE's program, then the FDE's.
class CfiChecker {
 public:
  explicit CfiChecker(std::uint8_t pointer_encoding) : pointer_encoding_(pointer_encoding) {}

  /// Reads `program` to its end. False when it is not sound.
  [[nodiscard]] bool accept(EhCursor program);

  /// True once the programs have said what the CFA is.
  [[nodiscard]] bool defines_cfa() const { return defines_cfa_; }

 private:
  [[nodiscard]] bool accept_instruction(EhCursor& program);

  std::uint8_t pointer_encoding_;
  bool defines_cfa_ = false;
  unsigned remembered_ = 0;
};

}  // namespace pghang
