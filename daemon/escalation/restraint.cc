#include "daemon/escalation/restraint.h"

namespace pghang::escalation {

const char* to_string(Restraint restraint) {
  switch (restraint) {
    case Restraint::paused: return "paused";
    case Restraint::other_daemon: return "other_daemon";
    case Restraint::breaker_open: return "breaker_open";
    case Restraint::budget_unresponsive: return "budget_unresponsive";
    case Restraint::budget_share: return "budget_share";
    case Restraint::budget_hour: return "budget_hour";
    case Restraint::budget_minute: return "budget_minute";
    case Restraint::sql_answers: return "sql_answers";
  }
  return "paused";
}

}  // namespace pghang::escalation
