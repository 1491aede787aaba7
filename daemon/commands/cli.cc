#include "daemon/commands/cli.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "collectors/sampler/protocol.h"
#include "config/checks.h"
#include "config/units.h"
#include "daemon/commands/commands.h"
#include "daemon/revision.h"
#include "daemon/version.h"

#include <CLI/CLI.hpp>

namespace pghang {
namespace {

const std::map<std::string, Mode>& mode_names() {
  static const std::map<std::string, Mode> kNames{
      {"observe", Mode::observe},
      {"enforce", Mode::enforce}};
  return kNames;
}

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command
      .add_option(
          "--config.file",
          options.config_file,
          "Configuration file; built-in defaults without"
      )
      ->type_name("FILE");
  command.add_option(
      "--dsn",
      options.dsn,
      "libpq connection string; replaces the targets of the file"
  );
  command
      .add_option("--mode", options.mode, "observe: send no signal; enforce: cancel and terminate")
      ->type_name("MODE")
      ->transform(CLI::CheckedTransformer(mode_names()).description(""));
}

void add_web_config_option(CLI::App& command, std::optional<std::string>& file) {
  command
      .add_option(
          "--web.config.file",
          file,
          "TLS and logins, in the format of Prometheus' exporter-toolkit"
      )
      ->type_name("FILE");
}

void add_run_options(CLI::App& command, ConfigOptions& options) {
  command
      .add_option(
          "--web.listen-address",
          options.listen_addresses,
          "Address for metrics, API and page; repeatable"
      )
      ->type_name("HOST:PORT");
  add_web_config_option(command, options.web_config_file);
  command.add_option("--web.telemetry-path", options.telemetry_path, "Path of the metrics");
  command
      .add_option(
          "--web.external-url",
          options.external_url,
          "Where a browser reaches the pages: in pghangd_web_info, for the links of alerts"
      )
      ->type_name("URL")
      ->check([](const std::string& url) { return web_address_fault(url); });
  command.add_flag(
      "--web.enable-lifecycle",
      options.enable_lifecycle,
      "Allow POST /-/reload, /-/pause, ..."
  );
  command.add_flag(
      "--web.systemd-socket",
      options.systemd_socket,
      "Listen on the sockets of pghangd.socket instead of the listen addresses"
  );
  command.add_option("--log.level", options.log_level, "debug, info, warn or error")
      ->type_name("LEVEL")
      ->transform(CLI::CheckedTransformer(std::map<std::string, LogLevel>{
                                              {"debug", LogLevel::debug},
                                              {"info", LogLevel::info},
                                              {"warn", LogLevel::warn},
                                              {"error", LogLevel::error}}
      ).description(""));
  command.add_option("--log.format", options.log_format, "logfmt or json")
      ->type_name("FORMAT")
      ->transform(CLI::CheckedTransformer(std::map<std::string, LogFormat>{
                                              {"logfmt", LogFormat::logfmt},
                                              {"json", LogFormat::json}}
      ).description(""));
}

void add_control_options(CLI::App& command, ControlOptions& options) {
  command
      .add_option(
          "--config.file",
          options.config_file,
          "Configuration file of the daemon, which says where its control socket is"
      )
      ->type_name("FILE");
  command
      .add_option("--control.socket", options.socket, "Its control socket, whatever that file says")
      ->type_name("PATH");
}

void add_pause_options(CLI::App& command, PauseOptions& options) {
  add_control_options(command, options.control);
  command.add_option("length", options.length, "For how long: 30min, 1h, ... at most 30d")
      ->required()
      ->type_name("DURATION");
  command
      .add_option("--reason", options.reason, "Why; shown on the page, in the API and in the log");
}

struct DiagnoseTexts {
  std::string interval;
  std::string trace;
};

void add_diagnose_options(CLI::App& command, DiagnoseOptions& options, DiagnoseTexts& texts) {
  command.add_option("pid", options.pid, "Any PostgreSQL process, the postmaster included")
      ->required()
      ->check(CLI::Range(1, std::numeric_limits<pid_t>::max()));
  command.add_flag("--json", options.json, "Print the evidence and verdict as JSON");
  command.add_option("--samples", options.samples, "Samples to take")
      ->check(CLI::Range(1U, 20U))
      ->capture_default_str();
  command.add_option("--interval", texts.interval, "Time between samples")
      ->capture_default_str()
      ->type_name("DURATION");
  command.add_flag(
      "!--no-stop",
      options.allow_ptrace_stop,
      "Never stop the process, not even for microseconds: no user stack of a running one"
  );
  command.add_flag(
      "--inlines",
      options.inlines,
      "Also show functions that were inlined, where debug information has them"
  );
  command
      .add_option(
          "--debuginfod",
          options.symbols.debuginfod_urls,
          "Download missing debug files from this debuginfod server, waiting for it; repeatable"
      )
      ->type_name("URL")
      ->check([](const std::string& url) {
        return is_web_address(url) ? "" : "must be http://... or https://...";
      });
  command
      .add_option(
          "--trace",
          texts.trace,
          "Also count its system calls for this long (100ms to 60s), after everything else. By the "
          "kernel's tracepoints where that is allowed (CAP_PERFMON), which costs the process "
          "nothing. Else by ptrace: that stops it twice in each call, at most 20,000 times and for "
          "a quarter of the time, and its first stop breaks off the call that it waits in "
          "(epoll_wait and semop return EINTR), which may end a hang. The report says which it was "
          "and what it cost"
      )
      ->type_name("DURATION");
  command
      .add_option(
          "--save",
          options.save,
          "Also write the evidence, with the memory of its stack, to this new file (mode 0600)"
      )
      ->type_name("BUNDLE");
}

bool refuse(const char* option, const std::string& why) {
  std::fprintf(stderr, "pghangd: %s: %s\n", option, why.c_str());
  return false;
}

/// False, with a line on stderr, when one is no duration or out of its range.
bool take_durations(const DiagnoseTexts& texts, DiagnoseOptions& options) {
  const Result<Duration> interval = parse_duration(texts.interval);
  if (!interval) return refuse("--interval", interval.error().context);
  if (*interval > std::chrono::seconds(10)) return refuse("--interval", "at most 10s");
  options.interval = *interval;
  if (texts.trace.empty()) return true;
  const Result<Duration> trace = parse_duration(texts.trace);
  if (!trace) return refuse("--trace", trace.error().context);
  if (*trace < std::chrono::milliseconds(sampler::kMinTraceMs) ||
      *trace > std::chrono::milliseconds(sampler::kMaxTraceMs)) {
    return refuse("--trace", "100ms to 60s");
  }
  options.trace = *trace;
  return true;
}

struct IncidentsCommands {
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
  CLI::App* audit = nullptr;
};

void add_store_options(CLI::App& command, IncidentsOptions& options) {
  command
      .add_option(
          "--config.file",
          options.config_file,
          "Configuration file, for the place of the store"
      )
      ->type_name("FILE");
  command.add_option("--store", options.store, "The store's file, instead")->type_name("FILE");
  command.add_flag("--json", options.json, "Print JSON");
}

IncidentsCommands add_incidents_command(CLI::App& app, IncidentsOptions& options) {
  CLI::App* incidents =
      app.add_subcommand("incidents", "What the store knows, of past daemons too");
  incidents->require_subcommand(1);
  const IncidentsCommands commands{
      incidents->add_subcommand("list", "Incidents, newest first"),
      incidents->add_subcommand("show", "One incident: timeline, signals, report"),
      incidents->add_subcommand("audit", "Every signal that was sent, oldest first")};
  for (CLI::App* command : {commands.list, commands.show, commands.audit})
    add_store_options(*command, options);
  for (CLI::App* command : {commands.list, commands.audit}) {
    command->add_option("--since", options.since, "Only of that long ago or later: 2d, 30min")
        ->type_name("DURATION");
  }
  commands.list->add_option("--state", options.state, "Only these")
      ->check(CLI::IsMember({"open", "resolved"}));
  commands.show->add_option("id", options.id, "The incident's id")->required();
  return commands;
}

std::string version_line() {
  const std::string line = std::string("pghangd ") + version();
  const std::string commit = revision();
  return commit.empty() ? line : line + " (git " + commit + ')';
}

/// One line, as for every other bad input.
std::string usage_line(const CLI::App* /*app*/, const CLI::Error& error) {
  std::string line = "pghangd: " + std::string(error.what());
  std::ranges::replace(line, '\n', ' ');
  return line + " (see --help)\n";
}

}  // namespace

int run_cli(int argc, char** argv) {
  CLI::App app{
      "pghangd: finds stuck PostgreSQL backends and says why they cannot be cancelled or "
      "terminated",
      "pghangd"};
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.failure_message(usage_line);
  app.fallthrough();
  std::string sampler_program;
  app.add_option("--sampler.program", sampler_program, "Path of pghangd-sampler")->group("");

  ConfigOptions config;
  CheckConfigOptions to_check;
  std::vector<std::string> signature_files;
  DiagnoseOptions diagnose;
  DiagnoseTexts texts{.interval = format_duration(diagnose.interval), .trace = ""};

  CLI::App* run = app.add_subcommand("run", "The daemon");
  add_config_options(*run, config);
  add_run_options(*run, config);
  CLI::App* check =
      app.add_subcommand("check-config", "Print every problem of a configuration file");
  CLI::Option* file_to_check = check->add_option("file", to_check.file, "Configuration file");
  add_web_config_option(*check, to_check.web_config_file);
  CLI::App* check_signatures = app.add_subcommand(
      "check-signatures",
      "Validate signature files; say which signature a saved hang matches"
  );
  check_signatures
      ->add_option(
          "files",
          signature_files,
          "Signatures (.yaml); saved hangs: bundles, diagnose --json (.json), or pstack's text"
      )
      ->required();
  CLI::App* plan =
      app.add_subcommand("plan", "One poll: what the rules would do, touching nothing");
  add_config_options(*plan, config);
  bool plan_as_json = false;
  plan->add_flag("--json", plan_as_json, "Print it as JSON");
  CLI::App* examine = app.add_subcommand(
      "diagnose",
      "Why one PostgreSQL process does not respond; no database connection"
  );
  add_diagnose_options(*examine, diagnose, texts);
  ReplayOptions replay;
  CLI::App* again = app.add_subcommand("replay", "The report again, from saved bundles");
  again->add_option("bundles", replay.files, "Files written by diagnose --save or by the daemon")
      ->required();
  again->add_flag("--json", replay.json, "Print the evidence and verdict as JSON");
  DoctorOptions checkup;
  CLI::App* doctor =
      app.add_subcommand("doctor", "Check what pghangd needs here: a line each, with the fix");
  add_config_options(*doctor, config);
  doctor->add_flag("--json", checkup.json, "Print the checks as JSON");
  doctor
      ->add_option(
          "--user",
          checkup.user,
          "As root: check as this user (the service's is pghangd), with the unit's capabilities"
      )
      ->type_name("NAME");
  IncidentsOptions incidents_options;
  const IncidentsCommands incidents = add_incidents_command(app, incidents_options);

  PauseOptions pause;
  CLI::App* stop_signals = app.add_subcommand(
      "pause",
      "Stops all signals of the running daemon for some time, over restarts too"
  );
  add_pause_options(*stop_signals, pause);
  ControlOptions control;
  CLI::App* resume = app.add_subcommand("resume", "Ends a pause");
  add_control_options(*resume, control);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  if (check->parsed() && file_to_check->empty() && !to_check.web_config_file) {
    std::fprintf(stderr, "pghangd: check-config: file is required (see --help)\n");
    return static_cast<int>(ExitCode::usage);
  }
  if (run->parsed()) return static_cast<int>(run_command(config, sampler_program));
  if (check->parsed()) return static_cast<int>(check_config_command(to_check));
  if (check_signatures->parsed())
    return static_cast<int>(check_signatures_command(signature_files));
  if (plan->parsed()) return static_cast<int>(plan_command(config, plan_as_json));
  if (stop_signals->parsed()) return static_cast<int>(pause_command(pause));
  if (resume->parsed()) return static_cast<int>(resume_command(control));
  if (again->parsed()) return static_cast<int>(replay_command(replay));
  if (doctor->parsed()) {
    checkup.config = config;
    checkup.sampler_program = sampler_program;
    return static_cast<int>(doctor_command(checkup));
  }
  if (incidents.list->parsed()) return static_cast<int>(list_incidents_command(incidents_options));
  if (incidents.show->parsed()) return static_cast<int>(show_incident_command(incidents_options));
  if (incidents.audit->parsed()) return static_cast<int>(audit_command(incidents_options));
  if (!take_durations(texts, diagnose)) return static_cast<int>(ExitCode::usage);
  diagnose.sampler_program = sampler_program;
  return static_cast<int>(diagnose_command(diagnose));
}

}  // namespace pghang
