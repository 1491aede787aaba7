#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/evidence.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/verdict.h"
#include "diagnosis/wait_graph.h"

namespace pghang {

/// Where one sighting stands (DESIGN section 6). The spelling is a metric label. Saved by its
/// number, as all enumerators of an incident: new ones go at the end.
enum class Stage {
  watching,        ///< the criteria hold, `for` has not passed
  matched,         ///< the rule fired
  cancel_sent,     ///< a cancel was accepted, its grace runs
  terminate_sent,  ///< a terminate was accepted, its grace runs
  unresponsive,    ///< the grace passed and the same backend (statement) is still there
  resolved,        ///< over; Outcome says how
};

enum class Outcome {
  finished,       ///< ended by itself before any signal was accepted
  cancelled,      ///< the statement ended after an accepted cancel (temporal, not causal)
  terminated,     ///< the backend is gone after an accepted terminate
  self_resolved,  ///< was unresponsive, ended later
  refused,        ///< the server refused the signal
  exempt,         ///< matched, but protected; never signalled
  superseded,     ///< the guard found another transaction or statement: nothing was sent to it
};

/// What an incident was raised from. The spelling is a JSON and log value.
enum class Source {
  sql,  ///< a rule matched a row of pg_stat_activity
  os,   ///< seen in /proc, by the server's processes; `rule` is then an escalation::Suspicion
};

[[nodiscard]] const char* to_string(Stage stage);
[[nodiscard]] const char* to_string(Source source);
[[nodiscard]] const char* to_string(Outcome outcome);

/// One line of an incident's timeline.
struct TimelineEntry {
  Stage stage = Stage::watching;
  std::int64_t at_micros = 0;  ///< unix epoch
  std::string note;            ///< `cancel accepted`, the server's refusal, ...; may be empty

  friend bool operator==(const TimelineEntry&, const TimelineEntry&) = default;
};

/// An accepted signal, and what became of it: seconds since it was accepted, as pghangd came to see
/// it. Absent: not seen.
struct SentSignal {
  std::string signal;                      ///< `cancel` or `terminate`
  std::int64_t accepted_at_micros = 0;     ///< unix epoch
  std::optional<double> seen_seconds;      ///< PostgreSQL's handler had noted it
  std::optional<double> serviced_seconds;  ///< the backend had taken it up
  std::optional<double> gone_seconds;      ///< the statement (terminate: the process) was over

  friend bool operator==(const SentSignal&, const SentSignal&) = default;
};

/// One stuck backend from match to end. Saved by collectors/evidence/archive.h: new fields go at
/// the end.
struct Incident {
  std::string id;  ///< `20261122T151203Z-4711`, unique within a daemon
  std::string target;
  std::string rule;
  BackendKey backend;
  Stage stage = Stage::matched;
  std::optional<Outcome> outcome;  ///< set when resolved
  std::int64_t opened_at_micros = 0;
  std::optional<std::int64_t> resolved_at_micros;
  std::vector<TimelineEntry> timeline;
  Activity activity;                 ///< as last seen, query already masked
  std::optional<Evidence> evidence;  ///< the latest capture
  std::optional<Verdict> verdict;
  std::optional<Fingerprint> fingerprint;
  std::uint32_t bundles = 0;  ///< how many of its captures were given to be saved
  /// Of the latest poll or capture; null: it neither waits nor is waited for. Shared by the
  /// incidents of one queue, which may be hundreds.
  std::shared_ptr<const WaitGraph> wait_graph;
  Source source = Source::sql;
  std::string capture_error;        ///< why there is no evidence, if a capture failed
  std::vector<SentSignal> signals;  ///< in the order they were accepted
};

}  // namespace pghang
