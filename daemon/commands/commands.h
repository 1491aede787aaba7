#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "daemon/commands/exit_code.h"

/// The commands of the CLI, each a function of its options. They print; nothing else does.
namespace pghang {

/// Where the configuration comes from, and what the command line says over it.
struct ConfigOptions {
  std::string config_file;         ///< empty: built-in defaults
  std::optional<std::string> dsn;  ///< replaces the targets by one of this DSN
  std::optional<Mode> mode;
  std::vector<std::string> listen_addresses;
  std::optional<std::string> telemetry_path;
  bool enable_lifecycle = false;
  std::optional<std::string> external_url;
  std::optional<LogLevel> log_level;
  std::optional<LogFormat> log_format;
  bool systemd_socket = false;  ///< listen on the sockets of a systemd socket unit, no others
  std::optional<std::string> web_config_file;
};

/// What to check; one of them at least.
struct CheckConfigOptions {
  std::string file;                            ///< empty: none
  std::optional<std::string> web_config_file;  ///< absent: the one that `file` names
};

struct DiagnoseOptions {
  pid_t pid = 0;
  bool json = false;
  std::uint32_t samples = 5;
  std::chrono::milliseconds interval{20};
  bool allow_ptrace_stop = true;
  std::optional<std::chrono::milliseconds> trace;  ///< its system calls for so long
  bool inlines = false;
  Symbols symbols;
  std::string save;  ///< write a bundle to this new file; empty: none
  std::string sampler_program;
};

struct ReplayOptions {
  std::vector<std::string> files;
  bool json = false;
};

struct DoctorOptions {
  ConfigOptions config;
  bool json = false;
  std::string user;  ///< to become first, with the unit's capabilities; empty: stay who we are
  std::string sampler_program;
};

struct IncidentsOptions {
  std::string config_file;  ///< says where the store is; empty: built-in defaults
  std::string store;        ///< the file, whatever the configuration says
  bool json = false;
  std::string since;  ///< a duration; empty: all
  std::string state;  ///< `open`, `resolved`; empty: all
  std::string id;     ///< of show
};

/// How to reach the running daemon.
struct ControlOptions {
  std::string config_file;  ///< says where its socket is; empty: built-in defaults
  std::string socket;       ///< said on the command line; empty: as the configuration has it
};

struct PauseOptions {
  ControlOptions control;
  std::string length;
  std::string reason;
};

/// Puts the command line's words over loaded settings.
void apply_overrides(const ConfigOptions& options, Settings& settings);

/// Loads the file or the defaults, and signatures, with the overrides; prints every problem to
/// stderr. Nothing: exit 78.
[[nodiscard]] std::optional<Configuration> load_settings(const ConfigOptions& options);

[[nodiscard]] ExitCode
run_command(const ConfigOptions& options, const std::string& sampler_program);
[[nodiscard]] ExitCode check_config_command(const CheckConfigOptions& options);
/// Catalogues (.yaml) are validated; saved hangs (bundles, `diagnose --json` as .json, else
/// pstack's text) are held against them and the shipped ones. Exit 78: a catalogue has problems;
/// 64: another file cannot be read.
[[nodiscard]] ExitCode check_signatures_command(const std::vector<std::string>& files);
[[nodiscard]] ExitCode plan_command(const ConfigOptions& options, bool json);
[[nodiscard]] ExitCode diagnose_command(const DiagnoseOptions& options);
[[nodiscard]] ExitCode replay_command(const ReplayOptions& options);
/// A line for each thing that pghangd needs, with the fix; partial: one of them failed.
[[nodiscard]] ExitCode doctor_command(const DoctorOptions& options);
/// The store, also while a daemon writes it.
[[nodiscard]] ExitCode list_incidents_command(const IncidentsOptions& options);
[[nodiscard]] ExitCode show_incident_command(const IncidentsOptions& options);
[[nodiscard]] ExitCode audit_command(const IncidentsOptions& options);
/// Exit 1: done, but a restart of the daemon would undo it; says why.
[[nodiscard]] ExitCode pause_command(const PauseOptions& options);
[[nodiscard]] ExitCode resume_command(const ControlOptions& options);

}  // namespace pghang
