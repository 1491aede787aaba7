#include "daemon/service/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
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

/// Permitted, effective and inheritable; ambient ones have to be both of the latter.
bool keep_only(const std::vector<cap_value_t>& capabilities) {
  const std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities> kept(cap_init());
  if (!kept) return false;
  for (const cap_flag_t flag : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE}) {
    if (cap_set_flag(
            kept.get(),
            flag,
            static_cast<int>(capabilities.size()),
            capabilities.data(),
            CAP_SET
        ) != 0)
      return false;
  }
  if (cap_set_proc(kept.get()) != 0) return false;
  return std::ranges::all_of(capabilities, [](cap_value_t capability) {
    return cap_set_ambient(capability, CAP_SET) == 0;
  });
}

}  // namespace

Result<void> become_service(const std::string& user, const std::vector<std::string>& capabilities) {
  std::vector<cap_value_t> kept;
  for (const std::string& name : capabilities) {
    cap_value_t value = 0;
    if (cap_from_name(name.c_str(), &value) != 0)
      return Error{Errc::malformed, "no such capability: " + name};
    kept.push_back(value);
  }
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  const int failed = ::getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found);
  if (failed != 0 || found == nullptr) return Error{Errc::not_found, "no such user: " + user};
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::initgroups(user.c_str(), entry.pw_gid) != 0 ||
      ::setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) != 0 ||
      ::setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) != 0) {
    return system_error("cannot become that user");
  }
  if (!keep_only(kept)) return system_error("cannot keep the unit's capabilities");
  return {};
}

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
