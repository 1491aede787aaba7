#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pghang {

/// The signals of a set as in /proc/PID/status (bit n-1 is signal n), lowest first: `SIGTERM`,
/// `SIGUSR1`, ...; real-time ones by number, `SIGRTMIN+2` counted from the kernel's 32.
[[nodiscard]] std::vector<std::string> signal_names(std::uint64_t set);

}  // namespace pghang
