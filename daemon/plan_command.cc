#include <cstdio>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/postgres/activity_collector.h"
#include "collectors/postgres/connection.h"
#include "daemon/commands.h"
#include "daemon/escalation/exemption.h"
#include "daemon/escalation/rule_matcher.h"
#include "daemon/plan.h"

namespace pghang {
namespace {

ExitCode exit_code_for(const Error& error) {
  return error.code == Errc::permission_denied ? ExitCode::permission : ExitCode::no_result;
}

boost::asio::awaitable<void> plan_target(
    boost::asio::any_io_executor executor,
    Settings settings,  // of this target
    ExitCode& code
) {
  const Target& target = settings.targets.front();
  Connection connection(executor, target, settings.polling);
  const auto deadline = std::chrono::steady_clock::now() + settings.polling.connect_timeout;
  Result<ActivitySnapshot> snapshot = Error{};
  if (const auto opened = co_await connection.open(deadline); !opened) {
    snapshot = opened.error();
  } else {
    snapshot = co_await collect_activity(connection, filter_for(settings), deadline);
  }
  if (!snapshot) {
    std::fprintf(
        stderr,
        "pghangd: target %s (%s): %s: %s\n",
        target.name.c_str(),
        safe_dsn(target.dsn).c_str(),
        to_string(snapshot.error().code),
        snapshot.error().context.c_str()
    );
    code = exit_code_for(snapshot.error());
    co_return;
  }
  std::fputs(
      render_plan(target.name, *snapshot, escalation::RuleMatcher(settings.rules), settings.mode)
          .c_str(),
      stdout
  );
}

}  // namespace

ExitCode plan_command(const ConfigOptions& options) {
  const std::optional<Configuration> config = load_settings(options);
  if (!config) return ExitCode::configuration;
  ExitCode code = ExitCode::done;
  boost::asio::io_context loop(1);
  for (const Target& target : config->settings.targets) {
    boost::asio::co_spawn(
        loop,
        plan_target(loop.get_executor(), settings_for(config->settings, target), code),
        [](const std::exception_ptr& failure) {
          if (failure) std::rethrow_exception(failure);
        }
    );
  }
  loop.run();
  return code;
}

}  // namespace pghang
