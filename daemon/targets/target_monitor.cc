#include "daemon/targets/target_monitor.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <map>
#include <utility>

#include "collectors/evidence/evidence.h"
#include "daemon/chronicle/blocked_behind.h"
#include "daemon/chronicle/chronicle.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

/// Of a signal that waits for a capture, beyond the capture's own deadline: another one may be
/// under way.
constexpr Duration kCaptureMargin{std::chrono::seconds{1}};

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

std::chrono::milliseconds since(escalation::TimePoint then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now() - then);
}

/// Somebody's terminate is on its way to this process or waits to be served by it.
bool terminate_pending(const Capture& capture) {
  if (capture.samples.empty()) return false;
  const Sample& last = capture.samples.back();
  return last.flags.proc_die_pending.value_or(0) != 0 || is_pending(last.signals, SIGTERM);
}

}  // namespace

TargetMonitor::TargetMonitor(
    std::string target,
    const Settings& settings,
    ActivitySource& activity,
    Signaller& signaller,
    LockSource& locks,
    Chronicle& chronicle,
    SubmitCapture submit,
    SubmitLook look
)
    : target_(std::move(target)),
      activity_(activity),
      signaller_(signaller),
      lock_source_(locks),
      chronicle_(chronicle),
      submit_(std::move(submit)),
      tracker_(settings.mode, settings.sampling.repeat, escalation::RuleMatcher(settings.rules)),
      settings_(settings),
      look_(std::move(look)) {
  tracker_.bound_captures(settings.sampling.deadline + kCaptureMargin);
  tracker_.safeguards().configure(settings);
}

boost::asio::awaitable<bool> TargetMonitor::poll_once() {
  const TimePoint started = now();
  Result<ActivitySnapshot> snapshot = co_await activity_.poll();
  if (retired_) co_return false;
  chronicle_.polled(target_, snapshot, now() - started);
  ++polls_;
  poll_error_ = snapshot ? std::nullopt : std::optional(snapshot.error());
  if (!snapshot) co_return false;
  resume(snapshot->server);
  drop_on_failover(snapshot->server);
  co_await claim_enforcement();
  if (retired_) co_return false;
  locks_asked_ = false;
  locks_are_new_ = false;
  const escalation::FactTable facts = co_await find_facts(*snapshot);
  if (retired_) co_return false;
  co_await carry_out(tracker_.observe(*snapshot, now(), facts));
  if (retired_) co_return false;
  sessions_ = std::move(snapshot->rows);
  co_await look_at_waits();
  if (retired_) co_return false;
  remember();
  chronicle_.sightings(target_, tracker_, now());
  co_return true;
}

boost::asio::awaitable<escalation::FactTable> TargetMonitor::find_facts(
    const ActivitySnapshot& snapshot
) {
  history_.polled(snapshot.rows);
  escalation::FactTable facts;
  bool needs_locks = false;
  for (const Activity& row : snapshot.rows) {
    const auto needs =
        tracker_.rules().needs(row, escalation::circumstances_of(row, snapshot, facts));
    if (!needs.any()) continue;
    needs_locks = needs_locks || needs.locks;
    facts.emplace(row.key, history_.facts(row.key));
    if (!needs.process || !look_) continue;
    history_.watch(row);
    look_(row.key);
  }
  if (!needs_locks) co_return facts;
  std::vector<pid_t> first = matched();
  co_await ask_for_locks(std::move(first));
  if (!locks_are_new_) co_return facts;
  const std::map<pid_t, std::uint32_t> behind = blocked_behind(snapshot.rows, *locks_);
  for (auto& [backend, known] : facts) {
    const auto found = behind.find(backend.pid);
    known.blocked_behind = found == behind.end() ? 0 : found->second;
  }
  co_return facts;
}

boost::asio::awaitable<void> TargetMonitor::ask_for_locks(std::vector<pid_t> first) {
  if (locks_asked_) co_return;
  locks_asked_ = true;
  if (!pacer_.due(now())) {
    chronicle_.locks_backed_off(target_);
    co_return;
  }
  Result<LockSnapshot> answer = co_await lock_source_.locks(std::move(first));
  if (retired_) co_return;
  chronicle_.locks_asked(target_, answer);
  pacer_.asked(answer ? std::optional(answer->server_time) : std::nullopt, now());
  locks_are_new_ = answer.has_value();
  locks_ = answer ? std::optional(std::move(*answer)) : std::nullopt;
}

std::vector<pid_t> TargetMonitor::matched() const {
  std::vector<pid_t> pids;
  for (const escalation::SightingState* sighting : tracker_.sightings()) {
    if (sighting->stage != Stage::watching) pids.push_back(sighting->activity.key.pid);
  }
  return pids;
}

boost::asio::awaitable<void> TargetMonitor::look_at_waits() {
  std::vector<pid_t> first = matched();
  if (first.empty()) {
    locks_.reset();
    chronicle_.nobody_waits(target_);
    co_return;
  }
  co_await ask_for_locks(std::move(first));
  if (retired_) co_return;
  chronicle_.waits(target_, sessions_, locks_);
}

void TargetMonitor::looked(const BackendKey& backend, const Result<Capture>& result) {
  if (result) {
    history_.looked(backend, *result, now());
  } else {
    history_.missed(backend);
  }
}

void TargetMonitor::drop_on_failover(const ServerInfo& server) {
  // A standby that receives no WAL at the moment knows no timeline.
  const bool other_timeline =
      timeline_ != 0 && server.timeline != 0 && timeline_ != server.timeline;
  const bool other = server_ && (server_->system_identifier != server.system_identifier ||
                                 server_->in_recovery != server.in_recovery || other_timeline);
  if (other) {
    tell(tracker_.drop_all("another server answers, or it changed its role (failover)", now()));
  }
  if (server.timeline != 0) timeline_ = server.timeline;
  server_ = server;
}

boost::asio::awaitable<void> TargetMonitor::claim_enforcement() {
  if (enforcer_lock_ == nullptr) co_return;
  const bool enforces = settings_.mode == Mode::enforce;
  if (!enforces) {
    if (claim_.ours()) co_await enforcer_lock_->release();
    claim_ = {};
  } else if (claim_.due(now())) {
    Duration grace{0};
    for (const Rule& rule : tracker_.rules().rules())
      grace = std::max({grace, rule.cancel_grace, rule.terminate_grace});
    const LockAnswer answer = co_await enforcer_lock_->take();
    claim_.answered(answer, grace, now());
  }
  const bool yields = enforces && claim_.yields(now());
  tracker_.safeguards().yield_to_other_daemon(yields);
  chronicle_.enforces(target_, enforces && !yields, yields ? claim_.yields_to(now()) : "");
}

std::vector<std::string> TargetMonitor::reset_breakers(const std::string& rule) {
  std::vector<std::string> closed = tracker_.safeguards().reset_breakers(rule, now());
  remember();
  chronicle_.sightings(target_, tracker_, now());
  return closed;
}

void TargetMonitor::tell(const escalation::Orders& orders) {
  for (const escalation::StageChange& change : orders.changes) {
    chronicle_.stage_changed(target_, change, now());
  }
  for (const escalation::Suppression& suppression : orders.suppressions) {
    const escalation::SightingState* sighting = tracker_.find(suppression.id);
    if (sighting == nullptr) continue;
    chronicle_.suppressed(target_, suppression, *sighting);
  }
  for (const escalation::BreakerEvent& event : orders.breakers)
    chronicle_.breaker_changed(target_, event);
  for (const escalation::CaptureOrder& order : orders.captures)
    submit_(order);
}

boost::asio::awaitable<void> TargetMonitor::carry_out(escalation::Orders orders) {
  tell(orders);
  remember();
  for (const escalation::SignalOrder& order : orders.signals) {
    if (retired_) co_return;
    co_await write_down(order);
    if (retired_) co_return;
    if (const auto restraint = tracker_.safeguards().restrains_all()) {
      withhold(order, *restraint);
      continue;
    }
    const SignalReply reply = co_await signaller_.send(order);
    answered(order, reply);
  }
}

Evidence TargetMonitor::evidence_for(const escalation::SightingState& sighting, Capture capture)
    const {
  const Rule& rule = tracker_.rules().rules()[sighting.rule];
  Evidence evidence;
  evidence.server = server_;
  evidence.activity = sighting.activity;
  evidence.activity->query = mask_query(sighting.activity.query);
  evidence.asked.cancel_grace = rule.cancel_grace;
  evidence.asked.terminate_grace = rule.terminate_grace;
  if (sighting.cancel_accepted_at) {
    evidence.asked.cancel_accepted_ago = since(*sighting.cancel_accepted_at);
  }
  if (sighting.terminate_accepted_at) {
    evidence.asked.terminate_accepted_ago = since(*sighting.terminate_accepted_at);
  }
  evidence.capture = std::move(capture);
  return evidence;
}

void TargetMonitor::capture_done(
    const escalation::CaptureOrder& order,
    Result<Capture> result,
    std::chrono::steady_clock::duration took
) {
  if (escalation::ProcessWatch::is_mine(order.id)) {
    process_captured(order, std::move(result), took);
    return;
  }
  tracker_.capture_ended(order.id, now());
  if (result && result->gone) {
    result = Error{
        Errc::not_found,
        "no process here is the server's process " + std::to_string(order.backend.pid) +
            ": it ended meanwhile, or the server runs on another host"};
  }
  if (!result) {
    chronicle_.capture_failed(target_, order.id, result.error(), took);
    remember();
    return;
  }
  const escalation::SightingState* sighting = tracker_.find(order.id);
  if (sighting == nullptr) return;
  const bool pending = terminate_pending(*result);
  chronicle_.captured(target_, order.id, evidence_for(*sighting, std::move(*result)), took);
  chronicle_.waits(target_, sessions_, locks_);
  tell(tracker_.terminate_pending_seen(order.id, pending, now()));
  remember();
  chronicle_.sightings(target_, tracker_, now());
}

void TargetMonitor::no_local_process(
    const escalation::CaptureOrder& order,
    const std::string& why
) {
  chronicle_.no_local_process(target_, order.id, why);
}

void TargetMonitor::retire(const std::string& why) {
  tell(tracker_.drop_all(why, now()));
  remember();
  retired_ = true;
}

void TargetMonitor::reconfigure(const Settings& settings) {
  settings_ = settings;
  tracker_.bound_captures(settings.sampling.deadline + kCaptureMargin);
  tell(tracker_.reconfigure(
      settings.mode,
      settings.sampling.repeat,
      escalation::RuleMatcher(settings.rules),
      now()
  ));
  tracker_.safeguards().configure(settings);
  remember();
  chronicle_.sightings(target_, tracker_, now());
}

}  // namespace pghang
