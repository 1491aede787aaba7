#include "tests/daemon/escalation/invariants.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace pghang::escalation::testing {

namespace {

bool is_idle(const Activity& row) {
  return row.state->substr(0, 4) == "idle";
}

bool same_identity(const Activity& a, const Activity& b) {
  return a.key == b.key && a.xact_start == b.xact_start && a.state == b.state &&
         (is_idle(a) ? a.state_change == b.state_change : a.query_start == b.query_start);
}

bool guards(const Guard& guard, const Activity& row) {
  const bool idle = is_idle(row);
  return guard.backend == row.key && guard.xact_start == row.xact_start &&
         guard.state == row.state && guard.check_state_change == idle &&
         guard.check_query_start == !idle &&
         (idle ? guard.state_change == row.state_change : guard.query_start == row.query_start);
}

/// By what the fake server is made of.
bool untouchable(const Activity& row) {
  return row.application_name == "pghangd" || row.leader_pid.has_value() ||
         row.backend_type == "walsender" || row.user == "postgres" || row.wait_event == "SyncRep" ||
         row.query.find("wraparound") != std::string::npos;
}

Duration grace(const Rule& rule, SignalKind kind) {
  return kind == SignalKind::cancel ? rule.cancel_grace : rule.terminate_grace;
}

}  // namespace

void Invariants::configured(Mode mode, std::vector<Rule> rules) {
  mode_ = mode;
  rules_ = std::move(rules);
}

void Invariants::polled(
    const ActivitySnapshot& snapshot,
    const FakeServer& server,
    const Tracker& tracker,
    const Orders& orders,
    TimePoint now
) {
  latest_ = snapshot;
  forget_resolved();  // a restart may give the id of one that nobody remembers again
  std::set<BackendKey> keys;
  for (const SightingState* state : tracker.sightings()) {
    EXPECT_TRUE(keys.insert(state->activity.key).second) << "two sightings of one backend";
    if (!records_.contains(state->id)) begin(*state, server, now);
  }
  for (const StageChange& change : orders.changes)
    moved(change, Source::poll, now);
  for (const SignalOrder& order : orders.signals)
    ordered(order, now);
  for (const CaptureOrder& order : orders.captures)
    captured(order, now);
  nothing_overdue(now);
  for (const SightingState* state : tracker.sightings()) {
    EXPECT_EQ(state->stage, records_[state->id].stage) << "a stage moved without a StageChange";
  }
}

void Invariants::begin(const SightingState& state, const FakeServer& server, TimePoint now) {
  Record& record = records_[state.id];
  record.rule = rules_.at(state.rule);
  record.judged = state.activity;
  record.serial = server.find(state.activity.key.pid)->serial;
  record.first_seen = now;
  EXPECT_NE(row(state.activity.key), nullptr) << "a sighting of a backend that is not in the poll";
}

void Invariants::moved(const StageChange& change, Source source, TimePoint now) {
  Record& record = records_.at(change.id);
  EXPECT_EQ(change.from, record.stage) << "a stage change was skipped";
  EXPECT_LT(change.from, change.to) << "a stage went back";
  EXPECT_EQ(change.outcome.has_value(), change.to == Stage::resolved);
  record.stage = change.to;
  if (change.to == Stage::matched) {
    ++coverage_.matched;
    EXPECT_GE(now - record.first_seen, record.rule.for_) << "fired before `for` had passed";
  }
  if (change.to == Stage::unresponsive) {
    ++coverage_.unresponsive;
    record.captured.reset();
    if (source == Source::pending) {
      EXPECT_GE(now - record.pending_since.value(), record.rule.terminate_grace);
    } else {
      ASSERT_TRUE(record.last_answer.has_value()) << "unresponsive to nothing";
      EXPECT_TRUE(record.cancel_accepted || record.terminate_accepted);
      EXPECT_GE(now - record.last_answer->second, grace(record.rule, record.last_answer->first))
          << "unresponsive within the grace";
    }
  }
  if (change.to != Stage::resolved) return;
  EXPECT_EQ(++record.outcomes, 1) << "two outcomes";
  if (change.from == Stage::watching) {
    EXPECT_EQ(change.outcome, Outcome::finished);
  } else if (source != Source::drop) {
    ended(record, change);
    ++coverage_.outcomes[*change.outcome];
  }
}

void Invariants::ended(const Record& record, const StageChange& change) {
  const bool accepted = record.cancel_accepted || record.terminate_accepted;
  switch (*change.outcome) {
    case Outcome::finished:
    case Outcome::superseded: EXPECT_FALSE(accepted); break;
    case Outcome::refused:
      EXPECT_FALSE(accepted);
      EXPECT_TRUE(record.last_answer.has_value());
      break;
    case Outcome::exempt:
      EXPECT_FALSE(accepted);
      EXPECT_EQ(record.maybe_sent, 0) << "exempt, yet perhaps signalled";
      break;
    case Outcome::cancelled:
      EXPECT_EQ(change.from, Stage::cancel_sent);
      EXPECT_TRUE(record.cancel_accepted.has_value());
      break;
    case Outcome::terminated:
      EXPECT_EQ(change.from, Stage::terminate_sent);
      EXPECT_TRUE(record.terminate_accepted.has_value());
      EXPECT_EQ(row(record.judged.key), nullptr) << "terminated, yet there";
      break;
    case Outcome::self_resolved: EXPECT_EQ(change.from, Stage::unresponsive); break;
  }
}

void Invariants::ordered(const SignalOrder& order, TimePoint now) {
  Record& record = records_.at(order.id);
  const Rule& rule = record.rule;
  EXPECT_EQ(mode_, Mode::enforce) << "a signal in mode observe";
  EXPECT_NE(rule.action, RuleAction::observe) << "a signal for a rule that observes";
  EXPECT_FALSE(record.unanswered.has_value()) << "a signal while another is unanswered";
  EXPECT_TRUE(record.stage == Stage::matched || record.stage == Stage::cancel_sent);

  const Activity* seen = row(record.judged.key);
  ASSERT_NE(seen, nullptr) << "a signal to a backend that the poll does not have";
  EXPECT_TRUE(same_identity(record.judged, *seen)) << "a signal to a changed statement";
  EXPECT_TRUE(guards(order.guard, *seen)) << "a guard that is not what the poll showed";
  EXPECT_FALSE(untouchable(*seen)) << "a signal to an exempt backend: " << seen->backend_type;

  if (order.kind == SignalKind::cancel) {
    EXPECT_FALSE(is_idle(*seen)) << "a cancel to an idle backend";
    EXPECT_EQ(record.stage, Stage::matched);
  } else {
    EXPECT_EQ(rule.action, RuleAction::terminate) << "a terminate that the rule forbids";
    if (!is_idle(*seen)) {
      ASSERT_TRUE(record.cancel_accepted.has_value()) << "a terminate without an accepted cancel";
      EXPECT_GE(now - *record.cancel_accepted, rule.cancel_grace) << "a terminate within the grace";
    }
  }
  if (record.last_answer) {
    EXPECT_GE(now - record.last_answer->second, grace(rule, record.last_answer->first))
        << "two signals of one sighting within a grace";
  }
  if (const auto hit = hits_.find(record.serial); hit != hits_.end()) {
    EXPECT_GE(now - hit->second.first, hit->second.second)
        << "two signals to one statement within a grace";
  }
  record.unanswered = order.kind;
}

void Invariants::delivered(const SignalOrder& order, const Delivery& delivery, TimePoint now) {
  if (!delivery.hit) return;
  const Record& record = records_.at(order.id);
  EXPECT_EQ(*delivery.hit, record.serial)
      << to_string(order.kind) << " hit what the rule had not judged";
  hits_[*delivery.hit] = {now, grace(record.rule, order.kind)};
  ++coverage_.hits[order.kind];
}

void Invariants::answered(
    const SignalOrder& order,
    SignalAnswer answer,
    const Orders& orders,
    TimePoint now
) {
  Record& record = records_.at(order.id);
  EXPECT_TRUE(orders.signals.empty());
  record.unanswered.reset();
  if (record.stage == Stage::resolved) {
    EXPECT_TRUE(orders.changes.empty()) << "an answer moved what was over";
    return;
  }
  record.last_answer = {order.kind, now};
  if (answer == SignalAnswer::unknown) ++record.maybe_sent;
  if (answer == SignalAnswer::accepted) {
    (order.kind == SignalKind::cancel ? record.cancel_accepted : record.terminate_accepted) = now;
  }
  for (const StageChange& change : orders.changes)
    moved(change, Source::answer, now);
}

void Invariants::pending_seen(SightingId id, bool pending, const Orders& orders, TimePoint now) {
  Record& record = records_.at(id);
  if (!pending) record.pending_since.reset();
  if (pending && !record.pending_since) record.pending_since = now;
  EXPECT_TRUE(orders.signals.empty());
  for (const StageChange& change : orders.changes)
    moved(change, Source::pending, now);
  for (const CaptureOrder& order : orders.captures)
    captured(order, now);
}

void Invariants::dropped(const Orders& orders, TimePoint now) {
  EXPECT_TRUE(orders.signals.empty());
  EXPECT_TRUE(orders.captures.empty());
  for (const StageChange& change : orders.changes)
    moved(change, Source::drop, now);
}

void Invariants::captured(const CaptureOrder& order, TimePoint now) {
  Record& record = records_.at(order.id);
  EXPECT_EQ(order.backend, record.judged.key);
  EXPECT_TRUE(record.stage == Stage::matched || record.stage == Stage::unresponsive);
  if (record.captured) {
    EXPECT_GE(now - *record.captured, std::chrono::seconds(30));
  }
  record.captured = now;
  ++coverage_.captures;
}

void Invariants::nothing_overdue(TimePoint now) {
  for (const auto& entry : records_) {
    const Record& record = entry.second;
    if (record.unanswered) continue;
    if (record.stage == Stage::watching) {
      EXPECT_LT(now - record.first_seen, record.rule.for_) << "the rule should have fired";
    }
    if (record.stage == Stage::cancel_sent || record.stage == Stage::terminate_sent) {
      EXPECT_LT(now - record.last_answer->second, grace(record.rule, record.last_answer->first))
          << "nothing was done when the grace had passed";
    }
  }
  forget_resolved();
}

void Invariants::forget_resolved() {
  std::erase_if(records_, [](const auto& entry) {
    return entry.second.stage == Stage::resolved && !entry.second.unanswered;
  });
}

void Invariants::finished() {
  for (const auto& [id, record] : records_) {
    EXPECT_EQ(record.outcomes, 1) << "sighting " << id << " has no outcome";
  }
}

const Activity* Invariants::row(const BackendKey& key) const {
  const auto found = std::ranges::find(latest_.rows, key, &Activity::key);
  return found == latest_.rows.end() ? nullptr : &*found;
}

}  // namespace pghang::escalation::testing
