#include "daemon/targets/capture_desk.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pghang {

sampler::CaptureRequest capture_request(const Sampling& sampling, pid_t pid) {
  sampler::CaptureRequest request;
  request.pid = pid;
  request.samples = sampling.samples;
  request.interval_ms = static_cast<std::uint32_t>(sampling.interval.count());
  request.stop_deadline_ms = static_cast<std::uint32_t>(sampling.stop_deadline.count());
  request.allow_ptrace_stop = sampling.allow_ptrace_stop;
  request.max_stops = sampling.samples;
  return request;
}

CaptureDesk::CaptureDesk(
    const boost::asio::any_io_executor& executor,
    sampler::Sampler& sampler,
    Sampling sampling,
    Done done
)
    : sampler_(sampler),
      sampling_(sampling),
      done_(std::move(done)),
      wake_up_(executor, std::chrono::steady_clock::time_point::max()) {}

void CaptureDesk::submit(CaptureJob job) {
  if (waiting_.size() >= kMaxWaiting) {
    done_(job, Error{Errc::busy, "too many captures are waiting"}, {});
    return;
  }
  waiting_.push_back(std::move(job));
  wake_up_.cancel();
}

void CaptureDesk::look(LookJob job) {
  const bool waits = std::ranges::any_of(looks_, [&](const LookJob& one) {
    return one.session == job.session && one.backend == job.backend;
  });
  if (waits || looks_.size() >= kMaxLooks) return;
  looks_.push_back(std::move(job));
  wake_up_.cancel();
}

boost::asio::awaitable<void> CaptureDesk::serve_look() {
  const LookJob job = std::move(looks_.front());
  looks_.pop_front();
  sampler::CaptureRequest request;
  request.pid = job.backend.pid;
  request.expect_started_at_micros = unix_micros(job.backend.backend_start);
  request.server_pid = true;
  request.server_process = job.server_process;
  request.samples = 1;
  request.samples_only = true;
  request.allow_ptrace_stop = false;
  request.peers = false;
  Result<Capture> result = co_await sampler_.capture(request, kLookDeadline);
  if (looked_) looked_(job, std::move(result));
}

void CaptureDesk::prewarm(sampler::PrewarmRequest request) {
  to_prewarm_.push_back(request);
  wake_up_.cancel();
}

void CaptureDesk::survey(
    sampler::Surveyor& surveyor,
    sampler::SurveyRequest request,
    Surveyed done
) {
  to_survey_.push_back({&surveyor, std::move(request), std::move(done)});
  wake_up_.cancel();
}

boost::asio::awaitable<void> CaptureDesk::serve_survey() {
  const SurveyJob job = std::move(to_survey_.front());
  to_survey_.pop_front();
  job.done(co_await job.surveyor->survey(job.request, sampling_.deadline));
}

void CaptureDesk::locate(sampler::GlanceRequest request, GlanceDone done) {
  to_locate_.push_back({request, std::move(done)});
  wake_up_.cancel();
}

void CaptureDesk::glance(sampler::GlanceRequest request, GlanceDone done) {
  if (to_glance_.size() >= kMaxGlances) {
    done(Error{Errc::busy, "too many glances are waiting"});
    return;
  }
  to_glance_.push_back({request, std::move(done)});
  wake_up_.cancel();
}

bool CaptureDesk::idle() const {
  return to_survey_.empty() && to_locate_.empty() && waiting_.empty() && to_glance_.empty() &&
         to_prewarm_.empty() && looks_.empty();
}

boost::asio::awaitable<void>
CaptureDesk::serve_glance(GlanceJob job, std::chrono::milliseconds deadline) {
  Result<Glance> seen = co_await sampler_.glance(job.request, deadline);
  job.done(std::move(seen));
}

boost::asio::awaitable<void> CaptureDesk::serve_one() {
  if (!to_survey_.empty()) {
    co_await serve_survey();
  } else if (!to_locate_.empty()) {
    GlanceJob job = std::move(to_locate_.front());
    to_locate_.pop_front();
    co_await serve_glance(std::move(job), sampling_.deadline);
  } else if (!waiting_.empty()) {
    co_await serve_capture();
  } else if (!to_glance_.empty()) {
    GlanceJob job = std::move(to_glance_.front());
    to_glance_.pop_front();
    co_await serve_glance(std::move(job), kGlanceDeadline);
  } else if (to_prewarm_.empty()) {
    co_await serve_look();
  } else {
    const sampler::PrewarmRequest request = to_prewarm_.front();
    to_prewarm_.pop_front();
    // Without it the first capture is slower; nothing else depends on it.
    static_cast<void>(co_await sampler_.prewarm(request, sampling_.deadline));
  }
}

boost::asio::awaitable<void> CaptureDesk::serve_capture() {
  const CaptureJob job = std::move(waiting_.front());
  waiting_.pop_front();
  sampler::CaptureRequest request = capture_request(sampling_, job.order.backend.pid);
  request.expect_started_at_micros = unix_micros(job.order.backend.backend_start);
  request.server_pid = true;
  request.server_process = job.server_process;
  if (job.order.process.pid != 0) {
    request.pid = job.order.process.pid;
    request.expect_start_ticks = job.order.process.start_ticks;
    request.expect_started_at_micros = 0;
    request.server_pid = false;
  }
  request.keep_snapshot = keep_snapshots_;
  const auto started = std::chrono::steady_clock::now();
  Result<Capture> result = co_await sampler_.capture(request, sampling_.deadline);
  done_(job, std::move(result), std::chrono::steady_clock::now() - started);
}

boost::asio::awaitable<void> CaptureDesk::run() {
  using boost::asio::as_tuple;
  using boost::asio::use_awaitable;
  for (;;) {
    while (idle())
      co_await wake_up_.async_wait(as_tuple(use_awaitable));
    co_await serve_one();
  }
}

}  // namespace pghang
