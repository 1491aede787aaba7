#pragma once

#include <linux/capability.h>

#include <array>
#include <cstdint>

namespace pghang::doctor {

/// A capability of the sampler and what is lost without it.
struct NamedCapability {
  unsigned number;
  const char* name;
  const char* without;
};

/// Those of the unit (systemd/README.md).
inline constexpr std::array<NamedCapability, 3> kNeeded{{
    {CAP_SYS_PTRACE,
     "CAP_SYS_PTRACE",
     "no interrupt flags, stacks or descriptors: no hang is explained"},
    {CAP_DAC_READ_SEARCH,
     "CAP_DAC_READ_SEARCH",
     "no system call, descriptor or I/O counter, and no stack without stopping the backend"},
    {CAP_SYS_NICE,
     "CAP_SYS_NICE",
     "a running backend may be held for milliseconds, not microseconds, while every core is busy"},
}};

/// Those that only an opt-in gives.
inline constexpr std::array<NamedCapability, 3> kOptional{{
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "kernel stacks"},
    {CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE", "libraries that an upgrade has deleted"},
    {CAP_PERFMON, "CAP_PERFMON", "diagnose --trace without stopping the backend"},
}};

[[nodiscard]] constexpr bool holds(std::uint64_t capabilities, unsigned number) {
  return ((capabilities >> number) & 1U) != 0;
}

}  // namespace pghang::doctor
