#pragma once

#include "config/settings.h"
#include "daemon/doctor/facts.h"
#include "exporters/check_list.h"

/// From facts to lines: pure, and each failed or warned line names its fix.
namespace pghang::doctor {

[[nodiscard]] CheckList check_config(const ConfigFacts& facts, const Settings& settings);
[[nodiscard]] CheckList check_privileges(const PrivilegeFacts& facts);
/// Of signals by the helper itself; nothing where the configuration wants none. `capabilities` as
/// in PrivilegeFacts, here and below.
[[nodiscard]] CheckList check_own_signals(const Settings& settings, std::uint64_t capabilities);
[[nodiscard]] CheckList check_kernel(const KernelFacts& facts, std::uint64_t capabilities);
[[nodiscard]] CheckList check_libraries(const LibraryFacts& facts);
[[nodiscard]] CheckLine check_address(const AddressFacts& facts);
[[nodiscard]] CheckLine check_folder(const FolderFacts& facts);
[[nodiscard]] CheckLine check_store(const StoreFacts& facts);

/// Connection, version, role, grants, limits, clock. Nothing beyond the first that makes the rest
/// unknowable.
[[nodiscard]] CheckList check_server(const TargetFacts& facts, Mode mode);
/// Whether its processes can be seen from here, by the capture of our own backend.
[[nodiscard]] CheckList check_process(const TargetFacts& facts);

/// `hidepid=` of the mount at /proc: `invisible`, `2`, ...; empty where it hides nothing.
[[nodiscard]] std::string hidepid_of(const std::string& mountinfo);

}  // namespace pghang::doctor
