#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/process/interrupt_flags.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// No more processes than this, the most suspicious kept.
inline constexpr std::size_t kMaxSurveyed = 256;
/// A survey ends after this long, with what it has.
inline constexpr std::chrono::milliseconds kSurveyBudget{100};

/// Looks briefly at the postmaster and its children, without `target`: those that are not simply
/// asleep in epoll_wait first, with their system call. `variables` are the target's addresses:
/// every process of a cluster is a fork of one postmaster, so they hold in all of them. A process
/// that ends meanwhile, or whose pid becomes another's, is left out.
///
/// Reading memory waits for mmap_lock: that of a process in D state which may hold it is not read.
/// What was left out for lack of time or room goes to `missing` as `cluster`.
[[nodiscard]] std::vector<ClusterProcess> survey_cluster(
    const ProcFs& proc,
    pid_t target,
    pid_t postmaster,
    const VariableAddresses& variables,
    std::vector<Missing>& missing,
    std::chrono::milliseconds budget = kSurveyBudget
);

/// Whom to look at, and what a glance at each told.
struct ProcessList {
  std::vector<pid_t> pids;
  std::vector<pid_t> first{};  ///< before all others
  /// False: no memory is read, so neither titles nor flags; one of them did not answer before.
  bool memory_answers = true;
  std::vector<ProcessKey> alive{};  ///< of `pids`, zombies left out
  bool all_seen = false;            ///< who is not in `alive` has ended
};

/// The same for processes of one cluster that are known.
[[nodiscard]] std::vector<ClusterProcess> survey_processes(
    const ProcFs& proc,
    ProcessList& list,
    const VariableAddresses& variables,
    std::vector<Missing>& missing,
    std::chrono::milliseconds budget = kSurveyBudget
);

/// The postmaster and its children. Errors: not_found, permission_denied, io.
[[nodiscard]] Result<std::vector<pid_t>> cluster_members(const ProcFs& proc, pid_t postmaster);

/// Whether its parent is another process than PostmasterPid says: whoever collects orphans. False
/// where either cannot be told.
[[nodiscard]] bool is_orphan(const ProcFs& proc, const Capture& capture);

/// The pid of its postmaster as this host knows it: its parent, or itself; 0 for an orphan, and
/// where PostmasterPid could not be read.
[[nodiscard]] pid_t postmaster_of(const Capture& capture);

}  // namespace pghang
