#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "daemon/chronicle/chronicle.h"
#include "daemon/escalation/process_guard.h"
#include "daemon/targets/target_monitor.h"

namespace pghang {
namespace {

using escalation::SignalAnswer;

std::chrono::steady_clock::time_point now() {
  return std::chrono::steady_clock::now();
}

std::int64_t unix_now_micros() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

SignalReply reply_to(const Result<void>& sent, std::int64_t surveyed_at_micros) {
  SignalReply reply;
  if (sent) {
    reply.answer = SignalAnswer::accepted;
    reply.words = "sent without SQL";
    reply.window = std::chrono::microseconds(unix_now_micros() - surveyed_at_micros);
    return reply;
  }
  const Errc code = sent.error().code;
  const bool ended = code == Errc::not_found || code == Errc::identity_changed;
  const bool unsure = code == Errc::timeout || code == Errc::disconnected;
  reply.answer = ended    ? SignalAnswer::superseded
                 : unsure ? SignalAnswer::unknown
                          : SignalAnswer::refused;
  reply.words = sent.error().context;
  return reply;
}

}  // namespace

sampler::SurveyRequest TargetMonitor::survey_request(const ProcessScene& scene) const {
  sampler::SurveyRequest request;
  request.postmaster = postmaster_;
  request.postmaster_ns_pid = postmaster_ns_pid_;
  // Whoever listens now is the server that the next poll talks to.
  if (scene.server_process != 0 && scene.server_process != postmaster_.pid) {
    request.postmaster = {scene.server_process, 0};
    request.postmaster_ns_pid = 0;
  }
  request.backend = scene.own_backend;
  request.server_process = scene.server_process;
  request.backend_started_at_micros = scene.own_backend_started_micros;
  request.first = watch_.open_pids();
  return request;
}

escalation::WatchTerms TargetMonitor::watch_terms() const {
  escalation::WatchTerms terms;
  if (settings_.rules.empty()) {
    terms.cancel_grace = Rule().cancel_grace;
    terms.terminate_grace = Rule().terminate_grace;
  }
  for (const Rule& rule : settings_.rules) {
    terms.cancel_grace = std::max(terms.cancel_grace, rule.cancel_grace);
    terms.terminate_grace = std::max(terms.terminate_grace, rule.terminate_grace);
  }
  terms.settle = settings_.polling.statement_timeout;
  terms.capture_repeat = settings_.sampling.repeat;
  return terms;
}

escalation::WatchScene TargetMonitor::watch_scene() const {
  escalation::WatchScene scene;
  scene.sql_works = !poll_error_;
  scene.own_backend = own_hung_;
  scene.own_backend_before_micros = own_hung_at_micros_;
  for (const escalation::SightingState* sighting : tracker_.sightings()) {
    if (sighting->stage != Stage::watching) scene.judged.push_back(sighting->activity.key);
  }
  return scene;
}

void TargetMonitor::connection_lost(pid_t pid) {
  if (pid == 0 || !poll_error_ || poll_error_->code != Errc::timeout) return;
  own_hung_ = pid;
  own_hung_at_micros_ = unix_now_micros();
}

boost::asio::awaitable<void> TargetMonitor::look_at_processes(ProcessScene scene) {
  if (processes_ == nullptr || polls_ == 0) co_return;
  const bool quiet = !poll_error_ && watch_.empty() && own_hung_ == 0;
  if (rounds_++ % kQuietRounds != 0 && quiet) co_return;
  sampler::SurveyRequest request = survey_request(scene);
  request.only_postmaster = quiet && request.postmaster.start_ticks != 0;
  // Of a server elsewhere every process here was looked at in vain.
  if (quiet && request.postmaster.pid == 0 && not_here_ == request.backend) co_return;
  if (request.postmaster.pid == 0 && request.backend == 0) {
    chronicle_.surveyed(
        target_,
        Error{Errc::not_found, "no process of the server is known on this host"},
        !poll_error_
    );
    co_return;
  }
  const std::uint64_t polls_before = polls_;
  const pid_t asked_by = request.postmaster.pid == 0 ? request.backend : 0;
  Result<ServerSurvey> survey = co_await processes_->survey(std::move(request));
  if (retired_) co_return;
  if (!survey && asked_by != 0) not_here_ = asked_by;
  chronicle_.surveyed(target_, survey, !poll_error_);
  if (!survey) co_return;
  postmaster_ = survey->postmaster;
  if (survey->postmaster_ns_pid != 0) postmaster_ns_pid_ = survey->postmaster_ns_pid;
  // A poll that ended meanwhile knows better, if it succeeded.
  const bool sql_failed = poll_error_.has_value();
  if (sql_failed || polls_ == polls_before) {
    if (sql_failed) {
      const bool may_signal = settings_.signal_without_sql && !survey->postmaster_gone;
      co_await carry_out_by_process(
          tracker_.observe_processes(*survey, may_signal, now()),
          *survey
      );
      if (retired_) co_return;
    }
    tell(watch_.observe(*survey, watch_scene(), watch_terms(), now()));
    if (!escalation::ProcessWatch::has_own_backend(*survey, watch_scene())) own_hung_ = 0;
  }
  chronicle_.sightings(target_, tracker_, now());
  chronicle_.suspects(target_, watch_, now());
}

boost::asio::awaitable<void>
TargetMonitor::carry_out_by_process(escalation::Orders orders, const ServerSurvey& survey) {
  tell(orders);
  for (const escalation::SignalOrder& order : orders.signals) {
    co_await write_down(order);
    if (retired_) co_return;
    // A poll that succeeded meanwhile knows better than the look that this was decided by.
    const auto restraint = poll_error_ ? tracker_.safeguards().restrains_all()
                                       : std::optional(escalation::Restraint::sql_answers);
    if (restraint) {
      withhold(order, *restraint);
      continue;
    }
    const SurveyedProcess* process = escalation::process_of(order.guard.backend, survey);
    Result<void> sent = Error{Errc::not_found, "its process has ended"};
    if (process != nullptr) {
      sampler::SignalRequest request;
      request.process = process->process.key;
      request.postmaster = survey.postmaster;
      request.signal = order.kind == escalation::SignalKind::cancel ? SIGINT : SIGTERM;
      sent = co_await processes_->signal(request);
      if (retired_) co_return;
    }
    answered(order, reply_to(sent, survey.taken_at_micros));
  }
}

void TargetMonitor::process_captured(
    const escalation::CaptureOrder& order,
    Result<Capture> result,
    std::chrono::steady_clock::duration took
) {
  if (result && result->gone) result = Error{Errc::not_found, "the process ended meanwhile"};
  if (!result) {
    chronicle_.capture_failed(target_, order.id, result.error(), took);
    return;
  }
  Evidence evidence;
  evidence.server = server_;
  evidence.capture = std::move(*result);
  chronicle_.captured(target_, order.id, std::move(evidence), took);
}

}  // namespace pghang
