#pragma once

#include <array>
#include <string_view>

/// What a signature may ask of a verdict: the names of diagnosis/verdict.h, which this folder does
/// not know. A test of diagnosis/ holds the two together.
namespace pghang {

inline constexpr auto kGateNames =
    std::to_array<std::string_view>({"none", "delivery", "handler", "service", "exit"});

inline constexpr auto kCauseNames = std::to_array<std::string_view>(
    {"gone",
     "frozen",
     "traced",
     "stopped",
     "exiting",
     "uninterruptible_io",
     "making_progress",
     "signal_ignored",
     "signals_blocked",
     "blocked_reporting",
     "handler_replaced",
     "critical_section",
     "lwlock_wait",
     "interrupts_held",
     "spinning",
     "blocking_call",
     "client_write",
     "not_stuck",
     "unknown"}
);

}  // namespace pghang
