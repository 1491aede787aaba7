#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "collectors/evidence/glance.h"
#include "config/result.h"
#include "daemon/escalation/tracker.h"

namespace pghang {

/// What becomes of accepted signals: PostgreSQL's handler notes one (seen), the backend takes it up
/// (serviced), and the statement, or the process, is over (gone). Light looks at the backend tell,
/// a few for each signal, and what they leave open the end of its sighting. Pure: time is an
/// argument.
///
/// A backend that obeys has set and cleared its flag before the first look. That look shows nothing
/// pending; when the sighting then ends as the signal wanted it, it was serviced by that look.
class SignalOutcomes {
 public:
  using TimePoint = escalation::TimePoint;
  using SightingId = escalation::SightingId;
  using SignalKind = escalation::SignalKind;

  enum class Step { seen, serviced, gone };

  /// A look that is due. Each gets one answer.
  struct Look {
    std::string target;
    SightingId sighting = 0;
    SignalKind kind = SignalKind::cancel;
    BackendKey backend;
  };

  struct Reached {
    std::string target;
    SightingId sighting = 0;
    SignalKind kind = SignalKind::cancel;
    Step step = Step::seen;
    std::chrono::duration<double> after{0};  ///< since it was accepted
  };

  void accepted(
      const std::string& target,
      SightingId sighting,
      SignalKind kind,
      const BackendKey& backend,
      TimePoint now
  );

  [[nodiscard]] std::optional<TimePoint> next_look() const;
  [[nodiscard]] std::vector<Look> take_due(TimePoint now);
  /// A look that failed other than for being in nobody's interest (`busy`) is the last one.
  [[nodiscard]] std::vector<Reached>
  looked(const Look& look, const Result<Glance>& glance, TimePoint now);

  /// The end of a sighting, as a poll told it.
  [[nodiscard]] std::vector<Reached>
  ended(const std::string& target, SightingId sighting, Outcome outcome, TimePoint now);

  void forget(const std::string& target);

 private:
  using Key = std::tuple<std::string, SightingId, SignalKind>;

  struct Track {
    BackendKey backend;
    TimePoint accepted_at;
    std::size_t next = 0;            ///< index of the next look
    std::optional<TimePoint> clear;  ///< nothing was pending at this look, nor seen before
    bool known = false;              ///< a look could tell of the flag
    bool seen = false;
    bool serviced = false;
    bool gone = false;
  };

  class Progress;

  std::map<Key, Track> tracks_;
};

}  // namespace pghang
