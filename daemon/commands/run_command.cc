#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <boost/asio/io_context.hpp>

#include "collectors/sampler/client.h"
#include "collectors/sampler/memory_lock.h"
#include "daemon/commands/commands.h"
#include "daemon/controls/web_config_watch.h"
#include "daemon/service/logger.h"
#include "daemon/service/narrow.h"
#include "daemon/service/privileges.h"
#include "daemon/service/sampler_program.h"
#include "daemon/service/service_manager.h"
#include "daemon/supervisor.h"

namespace pghang {
namespace {

volatile std::sig_atomic_t g_exit_code = 0;

/// The log thread may wait for ever on a pipe that nobody reads; the daemon's end must not.
void bound_shutdown(int code) {
  g_exit_code = code;
  std::signal(SIGALRM, [](int) { _exit(g_exit_code); });
  alarm(1);
}

}  // namespace

void apply_overrides(const ConfigOptions& options, Settings& settings) {
  if (options.dsn) {
    settings.targets = {Target{}};
    settings.targets.front().dsn = *options.dsn;
  }
  if (options.mode) {
    settings.mode = *options.mode;
    for (Target& target : settings.targets)
      target.mode.reset();
  }
  if (!options.listen_addresses.empty()) settings.web.listen_addresses = options.listen_addresses;
  if (options.telemetry_path) settings.web.telemetry_path = *options.telemetry_path;
  if (options.enable_lifecycle) settings.web.enable_lifecycle = true;
  if (options.external_url) settings.web.external_url = *options.external_url;
  if (options.web_config_file) settings.web.config_file = *options.web_config_file;
  if (options.log_level) settings.log.level = *options.log_level;
  if (options.log_format) settings.log.format = *options.log_format;
}

std::optional<Configuration> load_settings(const ConfigOptions& options) {
  Configuration loaded = load_configuration(options.config_file);
  for (const ConfigProblem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", to_string(problem).c_str());
  }
  for (const ConfigProblem& warning : loaded.warnings) {
    std::fprintf(stderr, "%s\n", to_string(warning).c_str());
  }
  if (!loaded.ok()) return std::nullopt;
  apply_overrides(options, loaded.settings);
  return loaded;
}

ExitCode run_command(const ConfigOptions& options, const std::string& sampler_program) {
  ServiceManager service = ServiceManager::from_environment();
  const auto without_effect = let_capabilities_take_effect(false);
  std::optional<Configuration> config = load_settings(options);
  std::optional<WebConfigReading> web_config;
  if (config && !config->settings.web.config_file.empty())
    web_config = read_web_config(config->settings.web.config_file);
  const auto with_effect = let_capabilities_take_effect(true);
  if (!without_effect || !with_effect) {
    const Error& error = without_effect ? with_effect.error() : without_effect.error();
    std::fprintf(stderr, "pghangd: %s\n", error.context.c_str());
    return ExitCode::permission;
  }
  if (web_config && !web_config->loaded.ok()) {
    for (const ConfigProblem& problem : web_config->loaded.problems)
      std::fprintf(stderr, "%s\n", to_string(problem).c_str());
    config.reset();
  }
  if (!config) {
    service.status("The configuration has problems: see the log, or pghangd check-config");
    return ExitCode::configuration;
  }
  std::vector<UniqueFd> sockets;
  if (options.systemd_socket) {
    // Before anything else is opened, and closed in the sampler.
    sockets = take_listening_sockets();
    if (sockets.empty()) {
      const std::string why = "--web.systemd-socket: systemd gave no socket (pghangd.socket)";
      std::fprintf(stderr, "pghangd: %s\n", why.c_str());
      service.status(why);
      return ExitCode::configuration;
    }
  }
  const Log logging = config->settings.log;

  boost::asio::io_context loop(1);
  // Before any thread exists and while the capabilities are still held.
  auto sampler = sampler::SamplerClient::start(
      loop.get_executor(),
      find_sampler_program(sampler_program),
      config->settings.symbols
  );
  if (!sampler) {
    const std::string why = "cannot start the sampler: " + sampler.error().context;
    std::fprintf(stderr, "pghangd: %s\n", why.c_str());
    service.status(why);
    return ExitCode::partial;
  }
  std::vector<std::string> not_held = missing_capabilities();
  if (const auto dropped = drop_capabilities(); !dropped) {
    std::fprintf(stderr, "pghangd: %s\n", dropped.error().context.c_str());
    return ExitCode::permission;
  }
  const auto narrowed = narrow_daemon();
  const auto locked = sampler::lock_memory();
  Logger log(logging.level, logging.format);
  if (!narrowed) {
    log.warn(
        "not_narrowed",
        {{"error", narrowed.error().context},
         {"consequence", "daemon and sampler run without their system call filters"}}
    );
  }
  if (!locked) {
    log.warn(
        "memory_not_locked",
        {{"error", locked.error().context},
         {"consequence", "a disk that hangs may page the daemon out"}}
    );
  }
  int code = 0;
  {
    RunOptions run{
        .config_file = options.config_file,
        .override_settings = [&options](Settings& fresh) { apply_overrides(options, fresh); },
        .service = std::move(service),
        .missing_capabilities = std::move(not_held),
        .sockets = std::move(sockets),
        .web_config = std::move(web_config)};
    Supervisor supervisor(loop, std::move(*config), std::move(run), **sampler, log);
    code = supervisor.run();
    bound_shutdown(code);
  }
  log.info("stopped", {{"exit_code", std::to_string(code)}});
  return static_cast<ExitCode>(code);
}

}  // namespace pghang
