#pragma once

#include <string>

namespace pghang::escalation {

/// Why a signal that is due waits: not because of its backend, and not for ever. The spelling is a
/// metric label.
enum class Restraint {
  paused,               ///< somebody paused all signals, or it is not known yet whether
  other_daemon,         ///< another pghangd has the server's advisory lock, or may have it
  breaker_open,         ///< the rule suddenly matched too many
  budget_unresponsive,  ///< so many are unresponsive that a person is needed
  budget_share,         ///< too many of the server's sessions are being signalled
  budget_hour,          ///< too many signals within an hour
  budget_minute,        ///< too many signals within a minute
  sql_answers,          ///< it was to be sent without SQL, and SQL works again
};

[[nodiscard]] const char* to_string(Restraint restraint);

}  // namespace pghang::escalation
