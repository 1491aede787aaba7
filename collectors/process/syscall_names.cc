#include "collectors/process/syscall_names.h"

#include <algorithm>
#include <span>
#include <string_view>

namespace pghang {
namespace {

struct Entry {
  long number;
  std::string_view name;
};

constexpr Entry kX86Names[] = {
#include "collectors/process/syscall_names_x86_64.inc"
};

constexpr Entry kGenericNames[] = {
#include "collectors/process/syscall_names_generic.inc"
};

}  // namespace

std::string syscall_name(long number, SyscallTable table) {
  const std::span<const Entry> names = table == SyscallTable::x86_64
                                           ? std::span<const Entry>(kX86Names)
                                           : std::span<const Entry>(kGenericNames);
  const auto found = std::ranges::lower_bound(names, number, {}, &Entry::number);
  if (found == names.end() || found->number != number) return "syscall_" + std::to_string(number);
  return std::string(found->name);
}

}  // namespace pghang
