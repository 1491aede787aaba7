#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/cluster.h"
#include "collectors/evidence/process.h"
#include "collectors/evidence/stack_trace.h"
#include "collectors/evidence/syscall.h"

namespace pghang {

/// Evidence that could not be had. Never silently absent (DESIGN section 2).
struct Missing {
  std::string evidence;  ///< `kernel_stack`, `syscall`, `interrupts`, `user_stack`, `io`, `fd`, ...
  std::string error;     ///< errno's text or a sentence
  std::string needs;     ///< `CAP_SYS_ADMIN`, ...; empty when no capability would help

  friend bool operator==(const Missing&, const Missing&) = default;
};

/// Which of a process's namespaces (namespaces(7)) are not those of process 1 here, as in a
/// container. False where that cannot be told.
struct OtherNamespaces {
  bool pid = false;      ///< Capture::ns_pid counts there, Capture::key.pid here
  bool mount = false;    ///< its paths lead through /proc/PID/root
  bool network = false;  ///< its addresses and ports are its own

  friend bool operator==(const OtherNamespaces&, const OtherNamespaces&) = default;
};

/// Everything that Linux tells about one process, taken within one request. Wire format between
/// helper and daemon (collectors/evidence/codec.h) and content of bundles (archive.h), so: an
/// aggregate of values only, new fields at the end.
struct Capture {
  ProcessKey key;
  std::int64_t captured_at_micros = 0;  ///< CLOCK_REALTIME, unix epoch
  /// No such process, or (start_ticks known) it ended meanwhile; nothing else is meaningful.
  bool gone = false;
  bool postgres = false;  ///< its executable has PostgreSQL's symbols
  std::string comm;
  std::string title;  ///< /proc/PID/cmdline, PostgreSQL's process title
  pid_t ppid = 0;
  pid_t ns_pid =
      0;  ///< pid in its own namespace (innermost NSpid); equal to pid outside containers
  bool orphan = false;  ///< its parent is not PostmasterPid: the postmaster has died
  std::string wchan;
  std::optional<RelatedProcess> tracer;
  std::vector<RelatedProcess> children;
  std::vector<std::string>
      kernel_stack;  ///< function+offset, innermost first; empty without the capability
  std::optional<Syscall> syscall;  ///< absent while running in user space
  StackTrace stack;
  /// Other processes of its cluster (the postmaster and its children, without this one), where what
  /// this one waits for may be theirs to give; empty otherwise. Bounded.
  std::vector<ClusterProcess> cluster;
  std::vector<Sample> samples;  ///< in time order, at least one unless gone
  std::vector<Missing> missing;
  double cpu_micros = 0;   ///< helper CPU spent on this capture, child and worker together
  double wall_micros = 0;  ///< request received to reply sent, in the worker
  /// The stack's memory and registers as taken (collectors/stack/snapshot.h); empty unless asked
  /// for.
  std::string snapshot;
  /// Copies of the stack that were thrown away, since the process ran while they were taken.
  std::uint32_t torn_copies = 0;
  double child_cpu_micros = 0;  ///< the capture children's part of cpu_micros
  bool kernel_thread = false;   ///< no program: it has neither user stack nor user memory
  /// Of a zombie: who has yet to collect it. A zombie has this, comm, ppid and one sample.
  std::optional<RelatedProcess> parent;
  std::string server_version;  ///< `15.20`, as its executable says; empty when that says nothing
  OtherNamespaces other_namespaces;
  std::optional<OomScore> oom;  ///< absent where it could not be read

  friend bool operator==(const Capture&, const Capture&) = default;
};

/// No such process, or a zombie.
[[nodiscard]] inline bool has_ended(const Capture& capture) {
  if (capture.gone || capture.samples.empty()) return capture.gone;
  const ProcessState state = capture.samples.back().state;
  return state == ProcessState::zombie || state == ProcessState::dead;
}

}  // namespace pghang
