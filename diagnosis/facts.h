#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// The request whose fate is judged: a terminate when one was asked, is pending or has set its
/// flag in any sample; else a cancel in the same way.
enum class Request { none, cancel, terminate };

/// The evidence reduced to what the decision list asks. This is the one place that says what "over
/// all samples of one capture" means for each of its questions:
/// - what a process is in (gone, frozen, traced, stopped, exiting, a mask) is read off the latest
///   sample: it may have been something else a moment ago;
/// - what holds it (D state, an undelivered signal, a flag, a held interrupt) must show in every
///   sample that could be read: anything that let go in between is not what holds it;
/// - what it mostly does (R or not) is the majority's, the latest sample breaks a tie;
/// - movement is the difference between the first and the last sample.
struct Facts {
  std::string kind;  ///< backend_kind()
  Request judged = Request::none;
  bool overdue = false;  ///< the judged request was accepted longer ago than its grace

  std::size_t samples = 0;
  bool steady = false;  ///< every sample shows the same state

  bool gone = false;         ///< no process, or the latest sample is a zombie
  bool frozen = false;       ///< latest
  bool state_known = false;  ///< latest
  bool traced = false;       ///< latest
  bool stopped = false;      ///< latest

  bool exiting = false;                ///< latest: proc_exit_inprogress
  bool uninterruptible = false;        ///< every sample: state D
  bool switches_unchanged = false;     ///< between first and last; true for a single sample
  bool io_grew = false;                ///< any counter, between first and last
  bool signal_ignored = false;         ///< latest: the judged signal is in SigIgn
  bool signal_blocked = false;         ///< latest: it is pending and in SigBlk
  bool signal_undelivered = false;     ///< every sample: pending, not in SigBlk
  bool signal_pending = false;         ///< latest
  bool flags_known = false;            ///< latest: all flags that the rows below read
  bool flag_set = false;               ///< every sample: the judged request's flag is set
  bool flag_clear = false;             ///< every sample: it is not
  bool flag_clear_now = false;         ///< latest
  bool in_process_interrupts = false;  ///< on the stack, or inferred from an error being reported
  bool inferred_interrupts = false;    ///< the latter
  bool reporting = false;              ///< errfinish or EmitErrorReport on the stack
  bool auxiliary = false;              ///< its SIGTERM handler is not die()
  bool ignores_idle_cancel = false;    ///< a cancel, and the session is idle
  bool rolling_back = false;  ///< a cancel that was taken: its flag is clear, it aborts the
                              ///< transaction (AbortCurrentTransaction on the stack)
  bool critical = false;      ///< every sample: CritSectionCount > 0
  bool held = false;          ///< every sample: InterruptHoldoffCount > 0 (for a cancel also
                              ///< QueryCancelHoldoffCount > 0)
  bool lwlock = false;        ///< stack or wait event says LWLock
  bool running = false;       ///< mostly R
  bool client_write = false;  ///< stack or wait event says that it sends to its client
};

[[nodiscard]] Facts facts_of(const Evidence& evidence);

/// True when one of the (normalised) names is on the user stack.
[[nodiscard]] bool
stack_has(const StackTrace& stack, std::initializer_list<std::string_view> names);
[[nodiscard]] bool
stack_has(const Evidence& evidence, std::initializer_list<std::string_view> names);

}  // namespace pghang
