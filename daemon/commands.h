#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "daemon/exit_code.h"

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
  std::optional<LogLevel> log_level;
  std::optional<LogFormat> log_format;
  bool systemd_socket = false;  ///< listen on the sockets of a systemd socket unit, no others
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

/// Puts the command line's words over loaded settings.
void apply_overrides(const ConfigOptions& options, Settings& settings);

/// Loads the file or the defaults, and signatures, with the overrides; prints every problem to
/// stderr. Nothing: exit 78.
[[nodiscard]] std::optional<Configuration> load_settings(const ConfigOptions& options);

[[nodiscard]] ExitCode
run_command(const ConfigOptions& options, const std::string& sampler_program);
[[nodiscard]] ExitCode check_config_command(const std::string& file);
/// Catalogues (.yaml) are validated; saved hangs (bundles, `diagnose --json` as .json, else
/// pstack's text) are held against them and the shipped ones. Exit 78: a catalogue has problems;
/// 64: another file cannot be read.
[[nodiscard]] ExitCode check_signatures_command(const std::vector<std::string>& files);
[[nodiscard]] ExitCode plan_command(const ConfigOptions& options);
[[nodiscard]] ExitCode diagnose_command(const DiagnoseOptions& options);
[[nodiscard]] ExitCode replay_command(const ReplayOptions& options);

}  // namespace pghang
