#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/postgres/activity_collector.h"
#include "collectors/postgres/connection.h"
#include "daemon/chronicle/blocked_behind.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/plan.h"
#include "daemon/commands/plan_safeguards.h"
#include "daemon/escalation/rule_matcher.h"
#include "daemon/service/service_folder.h"
#include "daemon/targets/postgres_enforcer_lock.h"
#include "daemon/targets/postgres_ports.h"
#include "exporters/store/store_file.h"

namespace pghang {
namespace {

ExitCode exit_code_for(const Error& error) {
  return error.code == Errc::permission_denied ? ExitCode::permission : ExitCode::no_result;
}

/// Who blocks how many, if a rule would be decided by it. How processes fare takes several looks
/// over time, so here it is not known.
boost::asio::awaitable<escalation::FactTable> facts_from_locks(
    Connection& connection,
    const ActivitySnapshot& snapshot,
    const escalation::RuleMatcher& rules,
    Duration timeout
) {
  escalation::FactTable facts;
  for (const Activity& row : snapshot.rows) {
    const auto around = escalation::circumstances_of(row, snapshot, {});
    if (rules.needs(row, around).locks) facts[row.key];
  }
  if (facts.empty()) co_return facts;
  PostgresLockSource source(connection, timeout);
  std::vector<pid_t> nobody;
  const Result<LockSnapshot> locks = co_await source.locks(std::move(nobody));
  if (!locks) co_return facts;
  const auto behind = blocked_behind(snapshot.rows, *locks);
  for (auto& [backend, known] : facts) {
    const auto found = behind.find(backend.pid);
    known.blocked_behind = found == behind.end() ? 0 : found->second;
  }
  co_return facts;
}

boost::asio::awaitable<void> plan_target(
    boost::asio::any_io_executor executor,
    Settings settings,  // of this target
    std::vector<PlanView>& plans,
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
  const escalation::RuleMatcher rules(settings.rules);
  const escalation::FactTable facts =
      co_await facts_from_locks(connection, *snapshot, rules, settings.polling.statement_timeout);
  const escalation::ProtectList protect(settings.protect);
  PlanView plan = make_plan(target.name, *snapshot, rules, settings.mode, facts, protect);
  plan.notes = restraints_of(*snapshot, rules, settings);
  const auto holder = co_await enforcer_lock_holder(connection, deadline);
  if (holder && *holder) {
    plan.notes.push_back(
        **holder +
        " holds the lock of the daemon that may signal: another one would only observe "
        "(other_daemon)"
    );
  }
  plans.push_back(std::move(plan));
}

/// Where there is no store yet, nothing was refused.
void add_refusals(PlanView& plan, const std::string& store) {
  auto file = StoreFile::open_to_read(store);
  if (!file && file.error().code == Errc::not_found) return;
  const auto signals = file ? file->signals({}) : Result<std::vector<SignalRecord>>(file.error());
  if (signals) {
    tell_refusals(plan, *signals);
  } else {
    plan.notes.push_back(
        "whether the server refused a signal before is not known: " + signals.error().context
    );
  }
}

}  // namespace

ExitCode plan_command(const ConfigOptions& options, bool json) {
  const std::optional<Configuration> config = load_settings(options);
  if (!config) return ExitCode::configuration;
  ExitCode code = ExitCode::done;
  std::vector<PlanView> plans;
  boost::asio::io_context loop(1);
  for (const Target& target : config->settings.targets) {
    boost::asio::co_spawn(
        loop,
        plan_target(loop.get_executor(), settings_for(config->settings, target), plans, code),
        [](const std::exception_ptr& failure) {
          if (failure) std::rethrow_exception(failure);
        }
    );
  }
  loop.run();
  const std::string store = store_file(config->settings.store.file, kStateDirectory);
  for (PlanView& plan : plans)
    if (!store.empty()) add_refusals(plan, store);
  if (json && !plans.empty()) {
    std::printf("%s\n", plan_json(plans).c_str());
  } else {
    for (const PlanView& plan : plans)
      std::fputs(render_plan(plan).c_str(), stdout);
  }
  return code;
}

}  // namespace pghang
