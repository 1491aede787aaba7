#include "daemon/target_monitor.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "collectors/evidence/evidence.h"
#include "daemon/chronicle.h"
#include "diagnosis/query_text.h"

namespace pghang {
namespace {

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
    SubmitCapture submit
)
    : target_(std::move(target)),
      activity_(activity),
      signaller_(signaller),
      lock_source_(locks),
      chronicle_(chronicle),
      submit_(std::move(submit)),
      tracker_(settings.mode, settings.sampling.repeat, escalation::RuleMatcher(settings.rules)),
      mode_(settings.mode) {
  tracker_.safeguards().configure(settings);
}

boost::asio::awaitable<bool> TargetMonitor::poll_once() {
  const TimePoint started = now();
  Result<ActivitySnapshot> snapshot = co_await activity_.poll();
  chronicle_.polled(target_, snapshot, now() - started);
  if (!snapshot) co_return false;
  drop_on_failover(snapshot->server);
  co_await claim_enforcement();
  co_await carry_out(tracker_.observe(*snapshot, now()));
  sessions_ = std::move(snapshot->rows);
  co_await look_at_waits();
  chronicle_.sightings(target_, tracker_, now());
  co_return true;
}

boost::asio::awaitable<void> TargetMonitor::look_at_waits() {
  std::vector<pid_t> matched;
  for (const escalation::SightingState* sighting : tracker_.sightings()) {
    if (sighting->stage != Stage::watching) matched.push_back(sighting->activity.key.pid);
  }
  if (matched.empty()) {
    locks_.reset();
    chronicle_.nobody_waits(target_);
    co_return;
  }
  if (pacer_.due(now())) {
    Result<LockSnapshot> answer = co_await lock_source_.locks(std::move(matched));
    chronicle_.locks_asked(target_, answer);
    pacer_.asked(answer ? std::optional(answer->server_time) : std::nullopt, now());
    locks_ = answer ? std::optional(std::move(*answer)) : std::nullopt;
  } else {
    chronicle_.locks_backed_off(target_);
  }
  chronicle_.waits(target_, sessions_, locks_);
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
  const bool enforces = mode_ == Mode::enforce;
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
  for (const escalation::SignalOrder& order : orders.signals) {
    if (const auto restraint = tracker_.safeguards().restrains_all()) {
      tell(tracker_.signal_withheld(order.id, order.kind, *restraint, now()));
      continue;
    }
    const SignalReply reply = co_await signaller_.send(order);
    chronicle_.signalled(target_, order, reply);
    tell(tracker_.signal_answered(order.id, order.kind, reply.answer, reply.words, now()));
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
  if (result && result->gone) {
    result = Error{
        Errc::not_found,
        "no process here is the server's process " + std::to_string(order.backend.pid) +
            ": it ended meanwhile, or the server runs on another host"};
  }
  if (!result) {
    chronicle_.capture_failed(target_, order.id, result.error(), took);
    return;
  }
  const escalation::SightingState* sighting = tracker_.find(order.id);
  if (sighting == nullptr) return;
  const bool pending = terminate_pending(*result);
  chronicle_.captured(target_, order.id, evidence_for(*sighting, std::move(*result)), took);
  chronicle_.waits(target_, sessions_, locks_);
  tell(tracker_.terminate_pending_seen(order.id, pending, now()));
  chronicle_.sightings(target_, tracker_, now());
}

void TargetMonitor::reconfigure(const Settings& settings) {
  tell(tracker_.reconfigure(
      settings.mode,
      settings.sampling.repeat,
      escalation::RuleMatcher(settings.rules),
      now()
  ));
  mode_ = settings.mode;
  tracker_.safeguards().configure(settings);
  chronicle_.sightings(target_, tracker_, now());
}

}  // namespace pghang
