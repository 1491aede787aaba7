#include "exporters/pages/cause_words.h"

namespace pghang {

const char* cause_headline(Cause cause) {
  switch (cause) {
    case Cause::gone: return "The process has ended";
    case Cause::frozen: return "Frozen by its cgroup";
    case Cause::traced: return "Held by a debugger or tracer";
    case Cause::stopped: return "Stopped by a signal (SIGSTOP)";
    case Cause::exiting: return "Already exiting, and stuck in its exit";
    case Cause::uninterruptible_io: return "Waits in the kernel, where no signal reaches it";
    case Cause::making_progress: return "Slow, but its I/O moves";
    case Cause::signal_ignored: return "Ignores the signal";
    case Cause::signals_blocked: return "Blocks the signal with its mask";
    case Cause::blocked_reporting: return "Took the signal, and hangs in saying so";
    case Cause::handler_replaced: return "The signal came, and PostgreSQL never noted it";
    case Cause::critical_section: return "In a critical section, where no signal is served";
    case Cause::lwlock_wait: return "Waits for a lightweight lock, with interrupts held";
    case Cause::interrupts_held: return "Waits with interrupts held";
    case Cause::spinning: return "Computes, and never looks at signals";
    case Cause::blocking_call: return "Waits in a system call that goes on after every signal";
    case Cause::client_write: return "Sends to a client that does not read";
    case Cause::not_stuck: return "Not stuck: it would obey a signal";
    case Cause::unknown: return "Unknown: evidence is missing";
  }
  return "Unknown";
}

bool only_waits(const Incident& incident) {
  return incident.verdict && incident.verdict->cause == Cause::not_stuck && incident.wait_graph &&
         !incident.wait_graph->summary.empty();
}

const char* headline_of(const Incident& incident) {
  if (!incident.verdict) return "Not diagnosed";
  return only_waits(incident) ? "Waits for somebody else" : cause_headline(incident.verdict->cause);
}

}  // namespace pghang
