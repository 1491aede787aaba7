#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "collectors/evidence/activity.h"
#include "config/settings.h"

namespace pghang::escalation {

using TimePoint = std::chrono::steady_clock::time_point;

enum class SignalKind {
  cancel,     ///< pg_cancel_backend: SIGINT, ends the statement
  terminate,  ///< pg_terminate_backend: SIGTERM, ends the backend
};

/// What the server said to a signal.
enum class SignalAnswer {
  accepted,    ///< the function returned true
  refused,     ///< it returned false or raised an error (superuser's backend, missing role, gone
               ///< meanwhile)
  superseded,  ///< the guard matched no row: another statement, transaction or backend
  unknown,     ///< no answer (timeout, connection lost): it may or may not have been sent
};

[[nodiscard]] const char* to_string(SignalKind kind);
[[nodiscard]] const char* to_string(SignalAnswer answer);

/// What a rule judged, and what the signal's statement re-checks, NULL-safe: backend_start,
/// xact_start and state always, and one of query_start and state_change. Two equal guards are the
/// same statement (or the same idle period) of the same backend.
struct Guard {
  BackendKey backend;
  std::optional<PgTimestamp> xact_start;
  bool check_query_start = false;  ///< rules that judged an active backend
  std::optional<PgTimestamp> query_start;
  bool check_state_change = false;  ///< rules that judged an idle one
  std::optional<PgTimestamp> state_change;
  std::optional<std::string> state;

  friend bool operator==(const Guard&, const Guard&) = default;
};

/// The identity of what `activity` shows. A state that starts with `idle` (`idle`, `idle in
/// transaction`, `idle in transaction (aborted)`) is told apart by state_change, any other
/// (`active`, `fastpath function call`, none at all) by query_start.
[[nodiscard]] Guard guard_of(const Activity& activity);

/// False where the timestamp that tells statements apart is NULL (track_activities off, a process
/// that reports no statements): then nothing re-checks what would be hit.
[[nodiscard]] bool tells_statements_apart(const Guard& guard);

/// True when at least `length` lies between the two. Never early, and no length overflows it.
[[nodiscard]] bool has_passed(TimePoint since, Duration length, TimePoint now);

}  // namespace pghang::escalation
