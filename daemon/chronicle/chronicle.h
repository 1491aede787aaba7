#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/evidence.h"
#include "collectors/evidence/locks.h"
#include "config/result.h"
#include "daemon/chronicle/incident_book.h"
#include "daemon/chronicle/signal_outcomes.h"
#include "daemon/controls/pause.h"
#include "daemon/escalation/process_watch.h"
#include "daemon/escalation/tracker.h"
#include "daemon/targets/ports.h"
#include "diagnosis/signature.h"
#include "exporters/bundle/bundle.h"
#include "exporters/metrics/metrics.h"
#include "exporters/store/records.h"
#include "exporters/view.h"

namespace pghang {

class IncidentStore;
class Logger;
struct StoreNews;

/// `12.3s`
[[nodiscard]] std::string format_seconds(double seconds);

/// Tells the world what happens: the log line, the incident's timeline, the metrics and the
/// published view, all from one place so that they agree. Decides nothing.
class Chronicle {
 public:
  /// `wall_clock`: microseconds since the unix epoch. All references outlive it.
  Chronicle(
      View& view,
      Metrics& metrics,
      Logger& log,
      Incidents limits,
      std::function<std::int64_t()> wall_clock
  );

  /// Where evidence goes that is worth keeping: the first of an incident, and what changes its
  /// explanation. Without one none is kept.
  using SaveBundle = std::function<void(std::string name, Bundle bundle)>;

  void save_bundles_with(SaveBundle save) { save_bundle_ = std::move(save); }

  /// The looks at signalled backends that are due, by time; looked() takes what they show.
  [[nodiscard]] SignalOutcomes& outcomes() { return outcomes_; }

  /// Called when outcomes() has new ones.
  void when_looks_are_wanted(std::function<void()> wanted) { looks_wanted_ = std::move(wanted); }

  /// Where incidents and signals are kept; nowhere until it is called. `store` outlives us. What is
  /// given to it becomes one with the next flush(), which is the caller's.
  void keep_in(IncidentStore& store) { store_ = &store; }

  /// Everything that is known is new to the store.
  void keep_everything();
  /// What the last daemon left behind, newest first. Before anything else happened.
  void take_up(std::vector<Incident> incidents);

  /// That sighting was the incident's, and is.
  void
  adopt(const std::string& target, escalation::SightingId sighting, const std::string& incident) {
    book_.adopt(target, sighting, incident);
  }

  /// A sighting that was taken up goes on.
  void went_on(const std::string& target, escalation::SightingId sighting, const std::string& note);
  /// Ends the open incidents of before that are `orphaned`: no sighting goes on with them, and
  /// nobody knows how they ended.
  void end_orphans(const std::function<bool(const Incident&)>& orphaned, const std::string& note);
  /// The same of incidents that came too late to be gone on with.
  void end_late(std::vector<Incident> incidents, const std::string& note);
  /// The incident of a sighting; empty when there is none.
  [[nodiscard]] std::string incident_id(const std::string& target, escalation::SightingId sighting);
  /// A signal is about to be sent: told to the audit trail, and again by signalled().
  void ordered(
      const std::string& target,
      const escalation::SignalOrder& order,
      const escalation::SightingState& sighting,
      escalation::TimePoint now
  );
  /// It is not sent after all.
  void withheld(
      const std::string& target,
      const escalation::SignalOrder& order,
      escalation::Restraint restraint
  );
  /// A signal is sent although the store does not say in time that it has been recorded.
  void sent_unrecorded();
  void store_told(const StoreNews& news);

  /// New bounds of what is kept in memory, after a reload.
  void limit(Incidents limits) { book_.limit(limits); }

  /// `result` as BundleWriter::Done tells it.
  void bundle_saved(const std::string& result, const std::string& context);

  /// What captures are matched with from now on; nothing until the first call.
  void know(const std::vector<Signature>& signatures);

  void polled(
      const std::string& target,
      const Result<ActivitySnapshot>& result,
      std::chrono::steady_clock::duration took
  );
  void stage_changed(
      const std::string& target,
      const escalation::StageChange& change,
      escalation::TimePoint now
  );
  void signalled(
      const std::string& target,
      const escalation::SignalOrder& order,
      const SignalReply& reply
  );
  void suppressed(
      const std::string& target,
      const escalation::Suppression& suppression,
      const escalation::SightingState& sighting
  );
  /// A finished capture: diagnosed, attached to its incident, counted and logged.
  void captured(
      const std::string& target,
      escalation::SightingId sighting,
      Evidence evidence,
      std::chrono::steady_clock::duration took
  );
  void capture_failed(
      const std::string& target,
      escalation::SightingId sighting,
      const Error& error,
      std::chrono::steady_clock::duration took
  );
  /// The server's processes are not of this host, so there will be no capture.
  void no_local_process(
      const std::string& target,
      escalation::SightingId sighting,
      const std::string& why
  );
  /// Whether they are; absent: not known yet.
  void located(const std::string& target, std::optional<bool> local, const std::string& why);
  /// A light look that outcomes() asked for.
  void
  looked(const SignalOutcomes::Look& look, const Result<Glance>& glance, escalation::TimePoint now);
  /// The target is no more: its incidents stay, and belong to no sighting.
  void forget(const std::string& target);
  void locks_asked(const std::string& target, const Result<LockSnapshot>& result);
  void locks_backed_off(const std::string& target);
  /// Who waits for whom now, for every open incident of the target.
  void waits(
      const std::string& target,
      const std::vector<Activity>& sessions,
      const std::optional<LockSnapshot>& locks
  );
  /// No rule has matched anybody, so nobody can wait behind him.
  void nobody_waits(const std::string& target);
  void breaker_changed(const std::string& target, const escalation::BreakerEvent& event);
  void breakers_reset(
      const std::string& target,
      const std::vector<std::string>& rules,
      const std::string& by
  );
  /// Whether this daemon may signal on the server, or `yields_to` whom it leaves that (not empty
  /// when it wants to and must not).
  void enforces(const std::string& target, bool enforces, const std::string& yields_to);
  /// The file at `path` is being read: signals wait for it.
  void pause_unknown(const std::string& path);
  /// `restored`: by an earlier run of the daemon, or because its file cannot be read.
  void paused(const Pause& pause, bool restored);
  void not_paused();
  void resumed(const std::string& by);
  /// `problem`: why a restart would undo what was asked last; empty: it would not.
  void pause_saved(const std::string& problem);
  /// The backends that rules watch or have matched now.
  void sightings(
      const std::string& target,
      const escalation::Tracker& tracker,
      escalation::TimePoint now
  );

  /// A look at the server's processes. Published while SQL does not work; logged when it says
  /// something new.
  void surveyed(const std::string& target, const Result<ServerSurvey>& result, bool sql_works);
  /// The processes that count as stuck without a rule.
  void suspects(
      const std::string& target,
      const escalation::ProcessWatch& watch,
      escalation::TimePoint now
  );

 private:
  void tell_refusal(Incident& incident, escalation::SignalKind kind, const std::string& words);
  void tell_steps(const std::vector<SignalOutcomes::Reached>& reached);
  [[nodiscard]] TargetView& view_of(const std::string& target);
  void save(Incident& incident, Evidence evidence);
  void keep(const Incident& incident);
  void end_orphan(Incident& incident, const std::string& note);
  void answered(
      const std::string& target,
      const escalation::SignalOrder& order,
      const SignalReply& reply
  );

  View& view_;
  Metrics& metrics_;
  Logger& log_;
  IncidentBook book_;
  SignatureCatalogue catalogue_{{}};
  std::function<std::int64_t()> wall_clock_;
  SaveBundle save_bundle_;
  std::string last_bundle_error_;
  std::map<std::string, std::string> lock_errors_;    ///< by target, the last one told
  std::map<std::string, std::string> process_words_;  ///< by target, the last ones told
  SignalOutcomes outcomes_;
  std::function<void()> looks_wanted_;
  IncidentStore* store_ = nullptr;
  /// Signals whose answer is still to come.
  std::map<std::pair<std::string, escalation::SightingId>, SignalRecord> ordered_;
};

}  // namespace pghang
