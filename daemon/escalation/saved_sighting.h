#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/activity.h"
#include "config/settings.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/signal.h"
#include "diagnosis/incident.h"

/// Escalations as values that outlive the daemon. Encoded by collectors/evidence/archive.h: new
/// fields and enumerators go at the end.
namespace pghang::escalation {

/// Of the steady clock (CLOCK_MONOTONIC: since boot), so it means the same to the next daemon of
/// this boot, whatever happened to the wall clock, and nothing after another boot.
using Moment = std::chrono::nanoseconds;

[[nodiscard]] Moment moment_of(TimePoint at);

/// When a saved moment was; `now` where it was in another boot, or would be in the future. Not
/// before this boot.
[[nodiscard]] TimePoint time_of(Moment moment, bool same_boot, TimePoint now);

struct SavedHoldOff {
  Moment since{0};
  Duration length{0};

  friend bool operator==(const SavedHoldOff&, const SavedHoldOff&) = default;
};

/// A signal that was ordered and not answered: it may have been sent.
struct SavedOrder {
  SignalKind kind = SignalKind::cancel;
  Duration grace{0};

  friend bool operator==(const SavedOrder&, const SavedOrder&) = default;
};

/// All that a SightingMachine remembers.
struct SavedMachine {
  Stage stage = Stage::watching;
  Moment first_seen{0};
  Moment stage_since{0};
  std::optional<Exemption> exemption;
  std::optional<SavedOrder> under_way;
  std::optional<SavedHoldOff> hold_off;
  std::optional<Moment> cancel_accepted_at;
  std::optional<Moment> terminate_accepted_at;
  std::optional<Moment> captured_at;
  std::optional<Moment> pending_since;
  std::uint32_t refusals = 0;
  std::uint32_t unknowns = 0;
  bool seen_after_refusal = false;
  std::vector<std::string> reported;

  friend bool operator==(const SavedMachine&, const SavedMachine&) = default;
};

/// One sighting. One that is resolved stands for what it left behind: the hold-off that the next
/// sighting of the same statement inherits.
struct SavedSighting {
  std::uint64_t id = 0;
  std::string rule_name;
  std::string rule;  ///< rule_text(): a rule that was changed meanwhile is another one
  Guard guard;
  SavedMachine machine;
  Activity activity;    ///< as last seen
  std::string refused;  ///< SightingState::refused

  friend bool operator==(const SavedSighting&, const SavedSighting&) = default;
};

/// How many backends a rule matched at one poll.
struct SavedCount {
  Moment at{0};
  std::uint64_t matches = 0;

  friend bool operator==(const SavedCount&, const SavedCount&) = default;
};

struct SavedOpenBreaker {
  std::uint64_t before = 0;
  std::uint64_t high = 0;
  Moment high_at{0};

  friend bool operator==(const SavedOpenBreaker&, const SavedOpenBreaker&) = default;
};

/// What the Breaker of one rule remembers.
struct SavedBreaker {
  std::string rule;                      ///< its name
  std::uint64_t matches = 0;             ///< of the latest poll
  std::vector<SavedCount> past;          ///< what a poll is compared with, rising; none while open
  std::optional<SavedOpenBreaker> open;  ///< nothing: it is closed

  friend bool operator==(const SavedBreaker&, const SavedBreaker&) = default;
};

/// What the Safeguards of one server remember.
struct SavedSafeguards {
  std::vector<Moment> spent;  ///< signals ordered in the hour before it was saved, oldest first
  std::vector<SavedBreaker> breakers;  ///< of rules that match somebody, or did within the window

  friend bool operator==(const SavedSafeguards&, const SavedSafeguards&) = default;
};

}  // namespace pghang::escalation
