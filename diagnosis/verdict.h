#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/evidence.h"
#include "diagnosis/signature.h"

namespace pghang {

/// Why a backend does not do what it was asked (DESIGN section 1). The spelling is a metric label
/// and part of the JSON contract. Saved by its number: new ones go at the end.
enum class Cause {
  gone,                ///< no process, or a zombie
  frozen,              ///< its cgroup is frozen
  traced,              ///< held by a debugger or tracer
  stopped,             ///< by SIGSTOP, SIGTSTP, ...
  exiting,             ///< inside proc_exit: signals are ignored by design from here on
  uninterruptible_io,  ///< waits in the kernel where no signal reaches it
  making_progress,     ///< exiting or in D state, but its I/O counters grow
  signal_ignored,      ///< SIGTERM (SIGINT) is in SigIgn
  signals_blocked,     ///< pending and in SigBlk
  blocked_reporting,   ///< took the signal and hangs while saying so
  handler_replaced,    ///< delivered, yet PostgreSQL's flag was never set
  critical_section,    ///< CritSectionCount > 0
  lwlock_wait,         ///< interrupts held while it sleeps on an LWLock
  interrupts_held,     ///< InterruptHoldoffCount > 0
  spinning,            ///< on CPU without reaching CHECK_FOR_INTERRUPTS()
  blocking_call,       ///< in a system call that is restarted after the signal
  client_write,        ///< sending to a client that does not read
  not_stuck,           ///< nothing was asked of it, or it obeys
  unknown,             ///< evidence missing or contradictory; `detail` says which
};

enum class Gate { none, delivery, handler, service, exit };
enum class Confidence { certain, likely, possible };

[[nodiscard]] const char* to_string(Cause cause);
[[nodiscard]] const char* to_string(Gate gate);
[[nodiscard]] const char* to_string(Confidence confidence);

/// One way to free the backend and what it costs.
struct ReleaseStep {
  std::string step;
  std::string price;

  friend bool operator==(const ReleaseStep&, const ReleaseStep&) = default;
};

struct Verdict {
  Cause cause = Cause::unknown;
  Gate gate = Gate::none;
  std::string explanation;  ///< which case of the cause, e.g. `fifo_read`: stable, for programs
  std::string summary;      ///< one sentence for 3 a.m.
  std::string detail;       ///< the evidence that decided, quoted
  std::vector<ReleaseStep> release;  ///< safest first
  Confidence confidence = Confidence::possible;
  std::optional<SignatureMatch> signature;  ///< the known cause or bug that this is

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// The ordered decision list of DESIGN section 1: the first row that matches, over all samples of
/// the capture, wins. Pure: the same evidence always gives the same words.
[[nodiscard]] Verdict diagnose(const Evidence& evidence);

/// The same, and the signature that fits best.
[[nodiscard]] Verdict diagnose(const Evidence& evidence, const SignatureCatalogue& catalogue);

/// What a signature is held against, with the verdict that it may ask for.
[[nodiscard]] SignatureSubject subject_of(const Evidence& evidence, const Verdict& verdict);

}  // namespace pghang
