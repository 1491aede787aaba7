#include "daemon/targets/target_session.h"

#include <utility>

namespace pghang {

TargetSession::TargetSession(
    const boost::asio::any_io_executor& executor,
    const Target& target_arg,
    const Settings& settings,
    std::uint64_t number_arg,
    Chronicle& chronicle,
    TargetMonitor::SubmitCapture submit,
    TargetMonitor::SubmitLook look
)
    : connection(executor, target_arg, settings.polling),
      activity(connection, settings.polling, filter_for(settings)),
      signaller(connection, settings.polling.statement_timeout),
      locks(connection, settings.polling.statement_timeout),
      enforcer_lock(connection, settings.polling.statement_timeout),
      monitor(
          target_arg.name,
          settings,
          activity,
          signaller,
          locks,
          chronicle,
          std::move(submit),
          std::move(look)
      ),
      target(target_arg),
      number(number_arg),
      pause(executor),
      next_look(executor) {
  monitor.share_with_others(enforcer_lock);
}

pid_t TargetSession::server_process() const {
  const pid_t listener = connection.server_process();
  return listener != 0 ? listener : whereabouts.process();
}

sampler::GlanceRequest TargetSession::own_backend() const {
  sampler::GlanceRequest request;
  request.pid = connection.backend_pid();
  if (const auto start = connection.backend_start())
    request.expect_started_at_micros = unix_micros(*start);
  request.server_process = connection.server_process();
  request.client_port = connection.client_port();
  request.flags = false;
  request.prove_local = true;
  return request;
}

}  // namespace pghang
