#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/postgres/role_facts.h"
#include "collectors/sampler/client.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/doctor_probes.h"
#include "daemon/doctor/checks.h"
#include "daemon/service/privileges.h"
#include "daemon/service/sampler_program.h"

namespace pghang {
namespace {

/// A cold sampler parses PostgreSQL's tables within it.
constexpr std::chrono::milliseconds kCaptureDeadline{10'000};
constexpr std::chrono::milliseconds kSamplerDeadline{2'000};

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch()
  )
      .count();
}

/// Our own backend there: nobody else's is touched, and it is not stopped either.
boost::asio::awaitable<Result<Capture>>
look_at_ourselves(sampler::Sampler& sampler, const doctor::TargetFacts& facts) {
  sampler::CaptureRequest request;
  request.pid = facts.role->backend_pid;
  request.expect_started_at_micros = unix_micros(facts.role->backend_start);
  request.server_pid = true;
  request.server_process = facts.server_process;
  request.samples = 1;
  request.allow_ptrace_stop = false;
  request.peers = false;
  co_return co_await sampler.capture(request, kCaptureDeadline);
}

boost::asio::awaitable<doctor::TargetFacts>
ask_target(Target target, Polling polling, sampler::Sampler* sampler) {
  doctor::TargetFacts facts;
  facts.target = target;
  facts.shown_dsn = safe_dsn(target.dsn);
  Connection connection(co_await boost::asio::this_coro::executor, target, polling);
  auto deadline = std::chrono::steady_clock::now() + polling.connect_timeout;
  if (const auto opened = co_await connection.open(deadline); !opened) {
    facts.connect_error = opened.error();
    co_return facts;
  }
  facts.version_num = connection.server_version();
  facts.libpq_backend_pid = connection.backend_pid();
  facts.server_process = connection.server_process();
  deadline = std::chrono::steady_clock::now() + polling.statement_timeout;
  facts.asked_at_micros = unix_now();
  facts.role = co_await collect_role_facts(connection, deadline);
  facts.answered_at_micros = unix_now();
  if (facts.role && sampler != nullptr) facts.capture = co_await look_at_ourselves(*sampler, facts);
  co_return facts;
}

/// What the sampler is, and then each target, one after the other: it takes one capture at a time.
boost::asio::awaitable<void> ask_all(
    sampler::SamplerClient* sampler,
    const Settings* settings,
    doctor::PrivilegeFacts& privileges,
    std::vector<doctor::TargetFacts>& targets,
    boost::asio::io_context& loop
) {
  if (sampler != nullptr) {
    const auto stats = co_await sampler->stats(kSamplerDeadline);
    if (stats) {
      privileges.capabilities = doctor::capabilities_of(sampler->keeper_pid());
    } else {
      privileges.sampler = stats.error();
      sampler = nullptr;
    }
  }
  if (settings != nullptr) {
    for (const Target& target : settings->targets)
      targets.push_back(co_await ask_target(target, settings->polling, sampler));
  }
  loop.stop();
}

void append(CheckList& checks, CheckList more) {
  std::move(more.begin(), more.end(), std::back_inserter(checks));
}

/// Of what the configuration names on this host.
CheckList check_places(const Settings& settings) {
  CheckList checks;
  for (const std::string& address : settings.web.listen_addresses)
    checks.push_back(doctor::check_address(doctor::probe_address(address)));
  if (!settings.bundle.directory.empty()) {
    checks.push_back(
        doctor::check_folder(doctor::probe_folder("bundle.directory", settings.bundle.directory))
    );
  }
  if (!settings.store.file.empty())
    checks.push_back(doctor::check_store(doctor::probe_store("store.file", settings.store.file)));
  // What starts with ${RUNTIME_DIRECTORY} systemd makes when the service starts.
  if (const std::string& socket = settings.web.control_socket; socket.starts_with('/')) {
    const std::string folder = socket.substr(0, std::max<std::size_t>(socket.rfind('/'), 1));
    checks.push_back(doctor::check_folder(doctor::probe_folder("web.control_socket", folder)));
  }
  return checks;
}

CheckList check_targets(const std::vector<doctor::TargetFacts>& targets, Mode mode, bool sampler) {
  CheckList checks;
  for (const doctor::TargetFacts& target : targets) {
    append(checks, doctor::check_server(target, mode));
    if (target.role && sampler) append(checks, doctor::check_process(target));
  }
  return checks;
}

}  // namespace

ExitCode doctor_command(const DoctorOptions& options) {
  if (!options.user.empty()) {
    doctor::assume_credentials();
    if (const auto became = become_service(options.user, doctor::unit_capabilities()); !became) {
      std::fprintf(stderr, "pghangd: --user: %s\n", became.error().context.c_str());
      return ExitCode::permission;
    }
  }
  boost::asio::io_context loop(1);
  doctor::PrivilegeFacts privileges;
  privileges.uid = ::geteuid();
  privileges.user = doctor::user_name(privileges.uid);
  privileges.sampler_program = find_sampler_program(options.sampler_program);
  // As the daemon does it: the sampler keeps what it is started with, the rest goes on without.
  auto sampler = sampler::SamplerClient::start(loop.get_executor(), privileges.sampler_program);
  if (!sampler) privileges.sampler = sampler.error();
  if (const auto dropped = drop_capabilities(); !dropped)
    std::fprintf(stderr, "pghangd: %s\n", dropped.error().context.c_str());

  doctor::ConfigFacts config = doctor::probe_config(options.config.config_file);
  Configuration loaded;
  if (config.answered) {
    loaded = load_configuration(options.config.config_file);
    config.problems = loaded.problems;
    if (loaded.ok()) apply_overrides(options.config, loaded.settings);
  }
  const bool configured = config.answered && loaded.ok();
  const CheckList places = configured ? check_places(loaded.settings) : CheckList{};

  std::vector<doctor::TargetFacts> targets;
  boost::asio::co_spawn(
      loop,
      ask_all(
          sampler ? sampler->get() : nullptr,
          configured ? &loaded.settings : nullptr,
          privileges,
          targets,
          loop
      ),
      [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      }
  );
  loop.run();

  CheckList checks = doctor::check_config(config, loaded.settings);
  append(checks, doctor::check_privileges(privileges));
  if (configured && !privileges.sampler)
    append(checks, doctor::check_own_signals(loaded.settings, privileges.capabilities));
  append(checks, doctor::check_kernel(doctor::probe_kernel(), privileges.capabilities));
  append(checks, doctor::check_libraries(doctor::probe_libraries()));
  append(checks, places);
  append(checks, check_targets(targets, loaded.settings.mode, !privileges.sampler));
  std::fputs((options.json ? checks_json(checks) + '\n' : render_checks(checks)).c_str(), stdout);
  if (!configured) return ExitCode::configuration;
  return count(checks, Grade::fail) == 0 ? ExitCode::done : ExitCode::partial;
}

}  // namespace pghang
