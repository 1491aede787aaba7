#include "collectors/process/syscall_names.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace pghang {
namespace {

struct Entry {
  long number;
  std::string_view name;
};

constexpr Entry kNames[] = {
#if defined(__x86_64__)
#include "collectors/process/syscall_names_x86_64.inc"
#else
#include "collectors/process/syscall_names_generic.inc"
#endif
};

}  // namespace

std::string syscall_name(long number) {
  const auto* const found = std::lower_bound(
      std::begin(kNames),
      std::end(kNames),
      number,
      [](const Entry& entry, long wanted) { return entry.number < wanted; }
  );
  if (found == std::end(kNames) || found->number != number)
    return "syscall_" + std::to_string(number);
  return std::string(found->name);
}

}  // namespace pghang
