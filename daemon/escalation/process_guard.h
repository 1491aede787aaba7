#pragma once

#include <optional>

#include "collectors/evidence/server_survey.h"
#include "config/settings.h"
#include "daemon/escalation/sighting_machine.h"
#include "daemon/escalation/tracker.h"

/// What can be told of a sighting without SQL. Pure.
namespace pghang::escalation {

/// The process of a backend, or null. Its number in the server's pid namespace fits, and its entry
/// in shared memory holds the very backend_start; where that cannot be read, it started within
/// kSameStartMicros of it.
[[nodiscard]] const SurveyedProcess*
process_of(const BackendKey& backend, const ServerSurvey& survey);

/// btime has a resolution of 1 s, and the postmaster takes backend_start before it forks.
inline constexpr std::int64_t kSameStartMicros = 3'000'000;

/// True where shared memory holds backend_start, xact_start, query_start and state_change exactly
/// as the last poll saw them: then it is the same statement (the same idle period) in the same
/// state.
[[nodiscard]] bool is_unchanged(const Activity& last_polled, const SurveyedProcess& process);

/// Why the backend of a sighting must not be signalled without SQL; null when it may.
///
/// `without_sql`: not allowed by the settings. `sync_rep`: its wait event in memory says so.
/// `undecided_without_sql`: no wait event in memory (before 14, or a release without a table of
/// them), or a sighting that was not signalled yet and whose rule has criteria that may have ceased
/// to hold for this very statement (only ages, which grow, and what is fixed for a session are
/// sure).
[[nodiscard]] const char* hindrance(
    const SightingState& sighting,
    const Rule& rule,
    const SurveyedProcess& process,
    const ServerSurvey& survey,
    bool may_signal
);

/// Nothing where the survey does not tell: not every process of the server could be seen.
[[nodiscard]] std::optional<ProcessSeen> see_process(
    const SightingState& sighting,
    const Rule& rule,
    const ServerSurvey& survey,
    bool may_signal
);

}  // namespace pghang::escalation
