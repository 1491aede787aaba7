#include "diagnosis/incident.h"
#include "diagnosis/verdict.h"

namespace pghang {

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::gone: return "gone";
    case Cause::frozen: return "frozen";
    case Cause::traced: return "traced";
    case Cause::stopped: return "stopped";
    case Cause::exiting: return "exiting";
    case Cause::uninterruptible_io: return "uninterruptible_io";
    case Cause::making_progress: return "making_progress";
    case Cause::signal_ignored: return "signal_ignored";
    case Cause::signals_blocked: return "signals_blocked";
    case Cause::blocked_reporting: return "blocked_reporting";
    case Cause::handler_replaced: return "handler_replaced";
    case Cause::critical_section: return "critical_section";
    case Cause::lwlock_wait: return "lwlock_wait";
    case Cause::interrupts_held: return "interrupts_held";
    case Cause::spinning: return "spinning";
    case Cause::blocking_call: return "blocking_call";
    case Cause::client_write: return "client_write";
    case Cause::not_stuck: return "not_stuck";
    case Cause::unknown: return "unknown";
  }
  return "unknown";
}

const char* to_string(Gate gate) {
  switch (gate) {
    case Gate::none: return "none";
    case Gate::delivery: return "delivery";
    case Gate::handler: return "handler";
    case Gate::service: return "service";
    case Gate::exit: return "exit";
  }
  return "none";
}

const char* to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::certain: return "certain";
    case Confidence::likely: return "likely";
    case Confidence::possible: return "possible";
  }
  return "possible";
}

const char* to_string(Stage stage) {
  switch (stage) {
    case Stage::watching: return "watching";
    case Stage::matched: return "matched";
    case Stage::cancel_sent: return "cancel_sent";
    case Stage::terminate_sent: return "terminate_sent";
    case Stage::unresponsive: return "unresponsive";
    case Stage::resolved: return "resolved";
  }
  return "watching";
}

const char* to_string(Source source) {
  switch (source) {
    case Source::sql: return "sql";
    case Source::os: return "os";
  }
  return "sql";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::finished: return "finished";
    case Outcome::cancelled: return "cancelled";
    case Outcome::terminated: return "terminated";
    case Outcome::self_resolved: return "self_resolved";
    case Outcome::refused: return "refused";
    case Outcome::exempt: return "exempt";
    case Outcome::superseded: return "superseded";
  }
  return "finished";
}

}  // namespace pghang
