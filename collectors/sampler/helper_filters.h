#pragma once

#include <optional>

#include "collectors/sampler/syscall_filter.h"

namespace pghang::sampler {

/// The kinds of process of the sampler, from the widest to what each narrows itself to. Filters are
/// inherited, so the keeper can give up only what none of its descendants needs, and the worker
/// what none of its children needs.
struct HelperFilters {
  std::optional<SyscallFilter> keeper;
  std::optional<SyscallFilter> worker;
  std::optional<SyscallFilter> capture;
  std::optional<SyscallFilter> trace;
  std::optional<SyscallFilter> symbols;
  std::optional<SyscallFilter> fetch;
};

/// Compiled once, by the keeper before it forks: to install one costs a capture child microseconds.
/// `downloads`: debug files are fetched by HTTP. `interfere`: HelperHooks::interfere. Absent
/// filters could not be compiled (daemon and sampler are built alike: the daemon says why).
[[nodiscard]] HelperFilters compile_helper_filters(bool downloads, bool interfere = false);

/// Installs it if there is one. A kernel without seccomp is no reason to give up the capture.
void narrow_to(const std::optional<SyscallFilter>& filter);

}  // namespace pghang::sampler
