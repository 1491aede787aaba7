#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/chronicle/chronicle.h"
#include "daemon/targets/target_set.h"

/// What is asked of the capture desk for a server, once it is known that its processes are here.
namespace pghang {

using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using Clock = std::chrono::steady_clock;

void TargetSet::submit(std::uint64_t number, const escalation::CaptureOrder& order) {
  TargetSession* session = session_of(number);
  if (session == nullptr) return;
  // Seen among the server's processes here, or the server is known to be here.
  if (order.process.pid != 0 || session->whereabouts.local() == true) {
    const pid_t process = session->server_process();
    desk_.submit(CaptureJob{session->target.name, order, process, number});
  } else if (session->whereabouts.local() == false) {
    session->monitor.no_local_process(order, session->whereabouts.why_not());
  } else {
    session->whereabouts.wait(order);
    locate(*session);
  }
}

void TargetSet::capture_done(const CaptureJob& job, Result<Capture> result, Clock::duration took) {
  TargetSession* session = session_of(job.session);
  if (session != nullptr) session->monitor.capture_done(job.order, std::move(result), took);
}

// Until it is known where the server is nobody is looked at: later polls ask again.
void TargetSet::look(std::uint64_t number, const BackendKey& backend) {
  TargetSession* session = session_of(number);
  if (session == nullptr) return;
  if (session->whereabouts.local() == true) {
    desk_.look(LookJob{number, backend, session->server_process()});
  } else {
    locate(*session);
  }
}

awaitable<void> TargetSet::watch_signals() {
  for (;;) {
    const auto next = chronicle_.outcomes().next_look();
    looks_due_.expires_at(next.value_or(Clock::time_point::max()));
    co_await looks_due_.async_wait(as_tuple(use_awaitable));
    for (const SignalOutcomes::Look& look : chronicle_.outcomes().take_due(Clock::now()))
      look_at(look);
  }
}

void TargetSet::look_at(const SignalOutcomes::Look& look) {
  const TargetSession* session = session_of(look.target);
  if (session == nullptr || session->whereabouts.local() != true) {
    chronicle_.looked(look, Error{Errc::unsupported, "no local process"}, Clock::now());
    return;
  }
  sampler::GlanceRequest request;
  request.pid = look.backend.pid;
  request.expect_started_at_micros = unix_micros(look.backend.backend_start);
  request.server_process = session->whereabouts.process();
  desk_.glance(request, [this, look](const Result<Glance>& seen) {
    chronicle_.looked(look, seen, Clock::now());
  });
}

// Another connection, perhaps to another server.
void TargetSet::connected(TargetSession& session, pid_t own_backend) {
  session.located_by = own_backend;
  session.whereabouts.forget();
  locate(session);
}

// Where the server's processes are. Not known: the next order asks again.
void TargetSet::locate(TargetSession& session) {
  if (session.connection.backend_pid() == 0 || !session.whereabouts.ask()) return;
  desk_.locate(
      session.own_backend(),
      [this, number = session.number, asked = session.located_by](const Result<Glance>& seen) {
        TargetSession* const still = session_of(number);
        if (still != nullptr && still->located_by == asked) located(*still, seen);
      }
  );
}

void TargetSet::located(TargetSession& session, const Result<Glance>& seen) {
  const auto found = session.whereabouts.found(seen, session.connection.server_process());
  const Whereabouts& now = session.whereabouts;
  chronicle_.located(session.target.name, now.local(), now.why_not());
  if (now.process() != 0) desk_.prewarm({.pid = now.process()});
  for (const escalation::CaptureOrder& order : found.waiting) {
    if (found.failure) {
      session.monitor.capture_done(order, *found.failure, {});
    } else {
      submit(session.number, order);
    }
  }
}

}  // namespace pghang
