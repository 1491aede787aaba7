#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/escalation/judged_rows.h"
#include "daemon/escalation/sighting_machine.h"
#include "daemon/escalation/tracker.h"

/// What a Tracker is made of, for the tracker*.cc alone.
namespace pghang::escalation {

struct Sighting {
  SightingState state;
  Guard guard;
  SightingMachine machine;
  bool unseen = false;  ///< resumed, and no poll has shown since what became of it
};

/// What a sighting that ended leaves behind while its last grace runs.
struct Echo {
  SightingId id = 0;
  Guard guard;
  HoldOff hold_off;
};

struct Tracker::Impl {
  Mode mode;
  Duration capture_repeat;
  RuleMatcher rules;
  std::vector<std::string> rule_texts;
  std::map<SightingId, Sighting> sightings;
  std::map<BackendKey, Echo> echoes;
  SightingId last_id = 0;
  Duration capture_deadline = kCaptureDeadline;
  TimePoint latest = TimePoint::min();
  Safeguards safeguards{};

  TimePoint tick(TimePoint now) { return latest = std::max(latest, now); }

  void know_rules();
  [[nodiscard]] Policy policy(std::size_t rule_index) const;
  /// Feeds one input and translates what comes out. Does not erase what it resolves.
  void advance(Sighting& sighting, const Input& input, TimePoint now, Orders& orders);
  void erase_resolved();
  Orders feed(SightingId id, const Input& input, TimePoint now);

  std::optional<Exemption> exempt(const Activity& row, SightingState& state) const;
  void look_again(Sighting& sighting, const RowsByPid& rows, TimePoint now, Orders& orders);
  void judge(const JudgedRow& judged_row, TimePoint now, Orders& orders);
  void forget_echoes(const RowsByPid& rows, TimePoint now);

  [[nodiscard]] Census census(const ActivitySnapshot& snapshot) const;
  /// Only now is it known how many there are: the first of a jump must not be signalled before the
  /// last of it was seen.
  void restrain(const ActivitySnapshot& snapshot, TimePoint now, Orders& orders);
  void restrain(TimePoint now, Orders& orders);

  [[nodiscard]] bool has_one_of(const BackendKey& backend) const;
  void resume(const SavedSighting& saved, bool same_boot, TimePoint now, Orders& orders);
  [[nodiscard]] SavedSighting saved(const Sighting& sighting) const;
};

}  // namespace pghang::escalation
