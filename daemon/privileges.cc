#include "daemon/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <type_traits>

namespace pghang {
namespace {

struct FreeCapabilities {
  void operator()(void* state) const { cap_free(state); }
};

Error system_error(const char* what) {
  return Error{Errc::io, std::string(what) + ": " + std::generic_category().message(errno)};
}

}  // namespace

std::vector<std::string> missing_capabilities() {
  struct Wanted {
    cap_value_t value;
    const char* name;
  };

  constexpr std::array<Wanted, 3> kWanted{{
      {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
      {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
      {CAP_SYS_NICE, "CAP_SYS_NICE"},
  }};
  const std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities> held(cap_get_proc());
  std::vector<std::string> missing;
  for (const Wanted& wanted : kWanted) {
    cap_flag_value_t has = CAP_CLEAR;
    if (held && cap_get_flag(held.get(), wanted.value, CAP_PERMITTED, &has) == 0 && has == CAP_SET)
      continue;
    missing.emplace_back(wanted.name);
  }
  return missing;
}

Result<void> let_capabilities_take_effect(bool effect) {
  const std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities> held(cap_get_proc());
  if (!held) return system_error("cannot read capabilities");
  for (cap_value_t value = 0; value < CAP_LAST_CAP + 1; ++value) {
    cap_flag_value_t permitted = CAP_CLEAR;
    if (cap_get_flag(held.get(), value, CAP_PERMITTED, &permitted) != 0) continue;
    const cap_flag_value_t wanted = effect ? permitted : CAP_CLEAR;
    if (cap_set_flag(held.get(), CAP_EFFECTIVE, 1, &value, wanted) != 0)
      return system_error("cannot change capabilities");
  }
  if (cap_set_proc(held.get()) != 0) return system_error("cannot change capabilities");
  return {};
}

Result<void> drop_capabilities() {
  if (cap_reset_ambient() != 0) return system_error("cannot drop ambient capabilities");
  const std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities> none(cap_init());
  if (!none || cap_set_proc(none.get()) != 0) return system_error("cannot drop capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("cannot set no_new_privs");
  return {};
}

}  // namespace pghang
