#include "collectors/sampler/memory_lock.h"

#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace pghang::sampler {
namespace {

/// Without a name it is the program itself.
bool always_needed(std::string_view object) {
  constexpr std::array<std::string_view, 3> kLibraries{"/libc.so.", "/libstdc++.so.", "/ld-linux"};
  return object.empty() || std::ranges::any_of(kLibraries, [&](std::string_view name) {
           return object.find(name) != std::string_view::npos;
         });
}

int lock_code(dl_phdr_info* object, std::size_t /*size*/, void* /*unused*/) {
  if (!always_needed(object->dlpi_name)) return 0;
  for (ElfW(Half) i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr,cppcoreguidelines-pro-type-reinterpret-cast)
    ::mlock(reinterpret_cast<const void*>(object->dlpi_addr + segment.p_vaddr), segment.p_memsz);
  }
  return 0;
}

}  // namespace

Result<void> lock_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) {
    return Error{
        Errc::permission_denied,
        "RLIMIT_MEMLOCK is not unlimited (LimitMEMLOCK=infinity)"};
  }
  return lock_pages();
}

Result<void> lock_pages() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return Error{Errc::permission_denied, "mlockall: " + std::generic_category().message(errno)};
  }
  ::dl_iterate_phdr(lock_code, nullptr);
  return {};
}

}  // namespace pghang::sampler
