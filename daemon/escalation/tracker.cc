#include "daemon/escalation/tracker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "config/rule_text.h"
#include "daemon/escalation/process_guard.h"
#include "daemon/escalation/sighting_machine.h"
#include "daemon/escalation/victims.h"

namespace pghang::escalation {

namespace {

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

/// A row of the poll, and the rule that applies to it.
struct JudgedRow {
  const Activity* activity = nullptr;
  std::optional<std::size_t> rule;
};

using RowsByPid = std::map<pid_t, JudgedRow>;

RowsByPid rows_by_pid(
    const ActivitySnapshot& snapshot,
    const RuleMatcher& rules,
    const FactTable& facts,
    const ProtectList& protect
) {
  const std::vector<RowJudgement> judged =
      judge_rows(rules, snapshot, facts, [&](const Activity& row, const Rule& rule) {
        return protection_of(row, rule, protect).has_value();
      });
  RowsByPid rows;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Activity& row = snapshot.rows[i];
    rows.try_emplace(row.key.pid, JudgedRow{&row, judged[i].applies()});
  }
  return rows;
}

const JudgedRow* find_row(const RowsByPid& rows, const BackendKey& key) {
  const auto row = rows.find(key.pid);
  return row != rows.end() && row->second.activity->key == key ? &row->second : nullptr;
}

}  // namespace

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

  void know_rules() {
    rule_texts.clear();
    for (const Rule& rule : rules.rules())
      rule_texts.push_back(rule_text(rule));
  }

  [[nodiscard]] Policy policy(std::size_t rule_index) const {
    const Rule& rule = rules.rules()[rule_index];
    return {
        .mode = mode,
        .action = rule.action,
        .for_ = rule.for_,
        .cancel_grace = rule.cancel_grace,
        .terminate_grace = rule.terminate_grace,
        .capture_repeat = capture_repeat,
        .capture = rule.capture,
        .capture_deadline = capture_deadline,
    };
  }

  /// Feeds one input and translates what comes out. Does not erase what it resolves.
  void advance(Sighting& sighting, const Input& input, TimePoint now, Orders& orders) {
    SightingState& state = sighting.state;
    const SightingMachine& machine = sighting.machine;
    Action action = sighting.machine.advance(input, now);
    const Stage before = state.stage;
    state.stage = machine.stage();
    state.stage_since = machine.stage_since();
    state.exemption = machine.exemption();
    state.suppressed = machine.suppressed();
    state.cancel_accepted_at = machine.cancel_accepted_at();
    state.terminate_accepted_at = machine.terminate_accepted_at();
    if (before != state.stage) {
      orders.changes.push_back(
          {state.id, before, state.stage, action.outcome, std::move(action.note), state, false}
      );
    }
    if (action.suppressed) orders.suppressions.push_back({state.id, *std::move(action.suppressed)});
    switch (action.step) {
      case Step::wait: break;
      case Step::send_cancel:
        orders.signals.push_back({state.id, SignalKind::cancel, sighting.guard});
        break;
      case Step::send_terminate:
        orders.signals.push_back({state.id, SignalKind::terminate, sighting.guard});
        break;
      case Step::capture: orders.captures.push_back({state.id, state.activity.key}); break;
    }
    if (state.stage != Stage::resolved) return;
    if (const auto hold_off = machine.hold_off(now)) {
      echoes.insert_or_assign(state.activity.key, Echo{state.id, sighting.guard, *hold_off});
    }
  }

  void erase_resolved() {
    std::erase_if(sightings, [](const auto& entry) {
      return entry.second.state.stage == Stage::resolved;
    });
  }

  std::optional<Exemption> exempt(const Activity& row, SightingState& state) const {
    auto found = protection_of(row, rules.rules()[state.rule], safeguards.protect_list());
    if (!found) return std::nullopt;
    state.protected_by = std::move(found->entry);
    return found->exemption;
  }

  void look_again(Sighting& sighting, const RowsByPid& rows, TimePoint now, Orders& orders) {
    const JudgedRow* judged_row = find_row(rows, sighting.state.activity.key);
    Polled poll;
    if (judged_row != nullptr) {
      const Activity* row = judged_row->activity;
      const bool same = guard_of(*row) == sighting.guard;
      poll.presence = same ? Presence::same_statement : Presence::other_statement;
      poll.criteria_hold = judged_row->rule == sighting.state.rule;
      poll.exemption = exempt(*row, sighting.state);
      if (same || sighting.state.terminate_accepted_at) sighting.state.activity = *row;
    }
    const bool unseen = std::exchange(sighting.unseen, false);
    advance(sighting, poll, now, orders);
    if (!unseen || sighting.state.stage != Stage::resolved) return;
    StageChange& end = orders.changes.back();
    end.unseen = true;
    end.note += ", while pghangd was not running";
  }

  [[nodiscard]] bool has_one_of(const BackendKey& backend) const {
    return std::ranges::any_of(sightings, [&](const auto& entry) {
      return entry.second.state.activity.key == backend;
    });
  }

  void resume(const SavedSighting& saved, bool same_boot, TimePoint now, Orders& orders) {
    last_id = std::max(last_id, saved.id);
    const BackendKey& backend = saved.guard.backend;
    const auto text = std::ranges::find(rule_texts, saved.rule);
    const bool rule_is_there = text != rule_texts.end();
    const auto rule = static_cast<std::size_t>(text - rule_texts.begin());
    const Policy its_policy = rule_is_there ? policy(rule) : Policy{};
    SightingMachine machine(its_policy, judged(saved.guard), saved.machine, same_boot, now);
    if (machine.stage() == Stage::resolved) {
      const auto hold_off = machine.hold_off(now);
      if (hold_off) echoes.try_emplace(backend, Echo{saved.id, saved.guard, *hold_off});
      return;
    }
    if (sightings.contains(saved.id) || has_one_of(backend)) return;

    SightingState state;
    state.id = saved.id;
    state.rule = rule;
    state.rule_name = saved.rule_name;
    state.stage = machine.stage();
    state.exemption = machine.exemption();
    state.activity = saved.activity;
    state.activity.key = backend;
    state.first_seen = machine.first_seen();
    state.stage_since = machine.stage_since();
    state.cancel_accepted_at = machine.cancel_accepted_at();
    state.terminate_accepted_at = machine.terminate_accepted_at();
    const auto added =
        sightings.emplace(saved.id, Sighting{state, saved.guard, std::move(machine), true});
    if (rule_is_there) return;
    const Dropped why{"its rule was changed or removed while pghangd was not running"};
    advance(added.first->second, why, now, orders);
  }

  [[nodiscard]] SavedSighting saved(const Sighting& sighting) const {
    const SightingState& state = sighting.state;
    return {
        .id = state.id,
        .rule_name = state.rule_name,
        .rule = rule_texts[state.rule],
        .guard = sighting.guard,
        .machine = sighting.machine.saved(),
        .activity = state.activity,
    };
  }

  void judge(const JudgedRow& judged_row, TimePoint now, Orders& orders) {
    const auto rule = judged_row.rule;
    if (!rule) return;
    const Activity& row = *judged_row.activity;
    const Guard guard = guard_of(row);
    const auto echo = echoes.find(row.key);
    std::optional<HoldOff> inherited;
    if (echo != echoes.end() && echo->second.guard == guard) inherited = echo->second.hold_off;

    SightingState state;
    state.id = ++last_id;
    state.rule = *rule;
    state.rule_name = rules.rules()[*rule].name;
    state.activity = row;
    state.first_seen = now;
    state.stage_since = now;
    const Polled poll{
        .presence = Presence::same_statement,
        .criteria_hold = true,
        .exemption = exempt(row, state),
    };
    SightingMachine machine(policy(*rule), judged(guard), inherited, now);
    const auto added =
        sightings.emplace(state.id, Sighting{state, guard, std::move(machine), false});
    advance(added.first->second, poll, now, orders);
  }

  [[nodiscard]] Census census(const ActivitySnapshot& snapshot) const {
    Census census;
    for (const StateCount& count : snapshot.counts) {
      if (!count.state.empty()) census.load.sessions += static_cast<std::uint64_t>(count.sessions);
    }
    for (const Rule& rule : rules.rules()) {
      if (rule.action != RuleAction::observe) census.matches.emplace(rule.name, 0);
    }
    for (const auto& entry : sightings) {
      const SightingState& state = entry.second.state;
      const bool signalled = state.cancel_accepted_at || state.terminate_accepted_at;
      if (signalled) ++census.load.under_way;
      if (state.stage == Stage::unresponsive) ++census.load.unresponsive;
      const auto rule = census.matches.find(state.rule_name);
      const bool counts = state.stage != Stage::watching && !state.exemption;
      if (counts && rule != census.matches.end()) ++rule->second;
    }
    return census;
  }

  /// Only now is it known how many there are: the first of a jump must not be signalled before the
  /// last of it was seen.
  void restrain(const ActivitySnapshot& snapshot, TimePoint now, Orders& orders) {
    orders.breakers = safeguards.polled(census(snapshot), now);
    restrain(now, orders);
  }

  void restrain(TimePoint now, Orders& orders) {
    for (SignalOrder& order : std::exchange(orders.signals, {})) {
      Sighting& sighting = sightings.at(order.id);
      const bool first = sighting.state.stage == Stage::matched;
      const auto restraint = safeguards.restrains(sighting.state.rule_name, first, now);
      if (restraint) {
        advance(sighting, Withheld{order.kind, *restraint}, now, orders);
        continue;
      }
      safeguards.spend(first, now);
      orders.signals.push_back(std::move(order));
    }
  }

  void forget_echoes(const RowsByPid& rows, TimePoint now) {
    std::erase_if(echoes, [&](const auto& entry) {
      const HoldOff& hold_off = entry.second.hold_off;
      return find_row(rows, entry.first) == nullptr ||
             has_passed(hold_off.since, hold_off.length, now);
    });
  }

  Orders feed(SightingId id, const Input& input, TimePoint now) {
    now = tick(now);
    Orders orders;
    const auto sighting = sightings.find(id);
    if (sighting == sightings.end()) return orders;
    advance(sighting->second, input, now, orders);
    erase_resolved();
    return orders;
  }
};

Tracker::Tracker(Mode mode, Duration capture_repeat, RuleMatcher rules)
    : impl_(std::make_unique<Impl>(Impl{
          .mode = mode,
          .capture_repeat = capture_repeat,
          .rules = std::move(rules),
          .rule_texts = {},
          .sightings = {},
          .echoes = {}})) {
  impl_->know_rules();
}

Tracker::Tracker(Tracker&&) noexcept = default;
Tracker& Tracker::operator=(Tracker&&) noexcept = default;
Tracker::~Tracker() = default;

Orders Tracker::observe(const ActivitySnapshot& snapshot, TimePoint now, const FactTable& facts) {
  now = impl_->tick(now);
  Orders orders;
  const RowsByPid rows =
      rows_by_pid(snapshot, impl_->rules, facts, impl_->safeguards.protect_list());
  for (auto& entry : impl_->sightings)
    impl_->look_again(entry.second, rows, now, orders);
  impl_->erase_resolved();
  impl_->forget_echoes(rows, now);

  std::vector<BackendKey> seen;
  seen.reserve(impl_->sightings.size());
  for (const auto& entry : impl_->sightings)
    seen.push_back(entry.second.state.activity.key);
  std::ranges::sort(seen);
  for (const auto& [pid, row] : rows) {
    if (!std::ranges::binary_search(seen, row.activity->key)) impl_->judge(row, now, orders);
  }
  impl_->restrain(snapshot, now, orders);
  return orders;
}

Orders Tracker::signal_answered(
    SightingId id,
    SignalKind kind,
    SignalAnswer answer,
    const std::string& words,
    TimePoint now
) {
  return impl_->feed(id, Answered{.kind = kind, .answer = answer, .words = words}, now);
}

Orders
Tracker::signal_withheld(SightingId id, SignalKind kind, Restraint restraint, TimePoint now) {
  return impl_->feed(id, Withheld{.kind = kind, .restraint = restraint}, now);
}

Orders Tracker::terminate_pending_seen(SightingId id, bool pending, TimePoint now) {
  return impl_->feed(id, TerminatePendingSeen{.pending = pending}, now);
}

Orders Tracker::observe_processes(const ServerSurvey& survey, bool may_signal, TimePoint now) {
  now = impl_->tick(now);
  Orders orders;
  for (auto& entry : impl_->sightings) {
    Sighting& sighting = entry.second;
    const Rule& rule = impl_->rules.rules()[sighting.state.rule];
    const auto seen = see_process(sighting.state, rule, survey, may_signal);
    if (seen) impl_->advance(sighting, *seen, now, orders);
  }
  impl_->restrain(now, orders);
  impl_->erase_resolved();
  return orders;
}

void Tracker::capture_ended(SightingId id, TimePoint now) {
  static_cast<void>(impl_->feed(id, CaptureEnded{}, now));
}

void Tracker::bound_captures(Duration deadline) {
  impl_->capture_deadline = deadline;
}

Orders Tracker::reconfigure(Mode mode, Duration capture_repeat, RuleMatcher rules, TimePoint now) {
  now = impl_->tick(now);
  const std::vector<Rule> before = impl_->rules.rules();
  impl_->mode = mode;
  impl_->capture_repeat = capture_repeat;
  impl_->rules = std::move(rules);
  impl_->know_rules();
  const std::vector<Rule>& after = impl_->rules.rules();

  Orders orders;
  for (auto& entry : impl_->sightings) {
    Sighting& sighting = entry.second;
    const auto kept = std::ranges::find(after, before[sighting.state.rule]);
    if (kept == after.end()) {
      impl_->advance(sighting, Dropped{"its rule was changed or removed"}, now, orders);
      continue;
    }
    sighting.state.rule = static_cast<std::size_t>(kept - after.begin());
    sighting.machine.set_policy(impl_->policy(sighting.state.rule));
  }
  impl_->erase_resolved();
  return orders;
}

Orders Tracker::drop_all(const std::string& why, TimePoint now) {
  now = impl_->tick(now);
  Orders orders;
  for (auto& entry : impl_->sightings) {
    impl_->advance(entry.second, Dropped{why}, now, orders);
  }
  impl_->erase_resolved();
  return orders;
}

std::vector<SavedSighting> Tracker::saved() const {
  std::vector<SavedSighting> all;
  all.reserve(impl_->sightings.size() + impl_->echoes.size());
  for (const auto& entry : impl_->sightings)
    all.push_back(impl_->saved(entry.second));
  for (const auto& entry : impl_->echoes) {
    const Echo& echo = entry.second;
    SavedSighting& left = all.emplace_back();
    left.id = echo.id;
    left.guard = echo.guard;
    left.machine.stage = Stage::resolved;
    left.machine.hold_off = SavedHoldOff{moment_of(echo.hold_off.since), echo.hold_off.length};
  }
  return all;
}

std::optional<SavedSighting> Tracker::saved(SightingId id) const {
  const auto sighting = impl_->sightings.find(id);
  if (sighting == impl_->sightings.end()) return std::nullopt;
  return impl_->saved(sighting->second);
}

Orders Tracker::resume(const std::vector<SavedSighting>& saved, bool same_boot, TimePoint now) {
  now = impl_->tick(now);
  std::vector<const SavedSighting*> latest_first;
  latest_first.reserve(saved.size());
  for (const SavedSighting& one : saved)
    latest_first.push_back(&one);
  std::ranges::sort(latest_first, std::ranges::greater{}, &SavedSighting::id);
  Orders orders;
  for (const SavedSighting* one : latest_first)
    impl_->resume(*one, same_boot, now, orders);
  impl_->erase_resolved();
  return orders;
}

const SightingState* Tracker::find(SightingId id) const {
  const auto sighting = impl_->sightings.find(id);
  return sighting == impl_->sightings.end() ? nullptr : &sighting->second.state;
}

std::vector<const SightingState*> Tracker::sightings() const {
  std::vector<const SightingState*> all;
  all.reserve(impl_->sightings.size());
  for (const auto& entry : impl_->sightings)
    all.push_back(&entry.second.state);
  return all;
}

const RuleMatcher& Tracker::rules() const {
  return impl_->rules;
}

Safeguards& Tracker::safeguards() {
  return impl_->safeguards;
}

const Safeguards& Tracker::safeguards() const {
  return impl_->safeguards;
}

}  // namespace pghang::escalation
