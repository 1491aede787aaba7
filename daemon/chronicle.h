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
#include "daemon/escalation/tracker.h"
#include "daemon/incident_book.h"
#include "daemon/pause.h"
#include "daemon/ports.h"
#include "diagnosis/signature.h"
#include "exporters/bundle.h"
#include "exporters/metrics.h"
#include "exporters/view.h"

namespace pghang {

class Logger;

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

 private:
  [[nodiscard]] TargetView& view_of(const std::string& target);
  void save(Incident& incident, Evidence evidence);

  View& view_;
  Metrics& metrics_;
  Logger& log_;
  IncidentBook book_;
  SignatureCatalogue catalogue_{{}};
  std::function<std::int64_t()> wall_clock_;
  SaveBundle save_bundle_;
  std::string last_bundle_error_;
  std::map<std::string, std::string> lock_errors_;  ///< by target, the last one told
};

}  // namespace pghang
