#include "daemon/escalation/signal.h"

namespace pghang::escalation {

const char* to_string(SignalKind kind) {
  switch (kind) {
    case SignalKind::cancel: return "cancel";
    case SignalKind::terminate: return "terminate";
  }
  return "cancel";
}

const char* to_string(SignalAnswer answer) {
  switch (answer) {
    case SignalAnswer::accepted: return "accepted";
    case SignalAnswer::refused: return "refused";
    case SignalAnswer::superseded: return "superseded";
    case SignalAnswer::unknown: return "unknown";
  }
  return "unknown";
}

Guard guard_of(const Activity& activity) {
  Guard guard;
  guard.backend = activity.key;
  guard.xact_start = activity.xact_start;
  guard.state = activity.state;
  if (activity.state && activity.state->starts_with("idle")) {
    guard.check_state_change = true;
    guard.state_change = activity.state_change;
  } else {
    guard.check_query_start = true;
    guard.query_start = activity.query_start;
  }
  return guard;
}

bool tells_statements_apart(const Guard& guard) {
  return guard.check_state_change ? guard.state_change.has_value() : guard.query_start.has_value();
}

bool has_passed(TimePoint since, Duration length, TimePoint now) {
  // Compared in milliseconds: a length of centuries does not fit into nanoseconds.
  return std::chrono::floor<Duration>(now - since) >= length;
}

}  // namespace pghang::escalation
