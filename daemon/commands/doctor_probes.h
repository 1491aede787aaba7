#pragma once

#include <string>
#include <vector>

#include "daemon/doctor/facts.h"

/// How `pghangd doctor` comes to what it knows of this host. Whatever can hang is asked by a child
/// with a deadline (in_child.h).
namespace pghang::doctor {

/// `problems` is left empty: who loads the file knows them.
[[nodiscard]] ConfigFacts probe_config(const std::string& file);
[[nodiscard]] KernelFacts probe_kernel();
[[nodiscard]] LibraryFacts probe_libraries();
[[nodiscard]] AddressFacts probe_address(const std::string& address);
/// `${STATE_DIRECTORY}` at the start of `setting` is the unit's, also outside of it.
[[nodiscard]] FolderFacts probe_folder(const std::string& key, const std::string& setting);
/// The same of the file that `setting` names, and of its folder.
[[nodiscard]] StoreFacts probe_store(const std::string& key, const std::string& setting);
[[nodiscard]] std::string user_name(uid_t uid);
/// What systemd gives the service, drop-ins included; that of the unit as shipped where it cannot
/// be asked. Lower-case names.
[[nodiscard]] std::vector<std::string> unit_capabilities();
/// Lets `${CREDENTIALS_DIRECTORY}` be that of the service, while it runs, unless it is set. Before
/// there are threads.
void assume_credentials();
/// CapEff of a process of ours; 0 where it cannot be read.
[[nodiscard]] std::uint64_t capabilities_of(pid_t child);

}  // namespace pghang::doctor
