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
#include "daemon/plan_safeguards.h"
#include "daemon/postgres_enforcer_lock.h"

namespace pghang {
namespace {

ExitCode exit_code_for(const Error& error) {
  return error.code == Errc::permission_denied ? ExitCode::permission : ExitCode::no_result;
}

boost::asio::awaitable<void> plan_target(
    boost::asio::any_io_executor executor,
    Target target,
    const Settings& settings,
    ExitCode& code
) {
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
  const escalation::RuleMatcher rules(settings.rules);
  const escalation::ProtectList protect(settings.protect);
  std::string text = render_plan(target.name, *snapshot, rules, settings.mode, protect);
  text += render_restraints(*snapshot, rules, settings);
  const auto holder = co_await enforcer_lock_holder(connection, deadline);
  if (holder && *holder) {
    text += "  " + **holder +
            " holds the lock of the daemon that may signal: another one would only "
            "observe (other_daemon)\n";
  }
  std::fputs(text.c_str(), stdout);
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
        plan_target(loop.get_executor(), target, config->settings, code),
        [](const std::exception_ptr& failure) {
          if (failure) std::rethrow_exception(failure);
        }
    );
  }
  loop.run();
  return code;
}

}  // namespace pghang
