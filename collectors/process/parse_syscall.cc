#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {

Result<SyscallLine> parse_syscall(std::string_view text) {
  SyscallLine line;
  const std::string_view first = take_word(text);
  if (first == "running") {
    line.running = true;
    return line;
  }

  const auto number = to_number<long>(first);
  if (!number) return malformed("syscall");
  line.number = *number;
  if (line.number >= 0) {
    for (std::uint64_t& arg : line.args) {
      const auto value = to_address(take_word(text));
      if (!value) return malformed("syscall");
      arg = *value;
    }
  }
  const auto sp = to_address(take_word(text));
  const auto pc = to_address(take_word(text));
  if (!sp || !pc || !trimmed(text).empty()) return malformed("syscall");
  line.sp = *sp;
  line.pc = *pc;
  return line;
}

}  // namespace pghang
