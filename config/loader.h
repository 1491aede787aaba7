#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace pghang {

/// One thing wrong with a configuration file.
struct ConfigProblem {
  std::string file;
  int line = 0;     ///< 1-based; 0 when the whole file is meant (cannot be read)
  std::string key;  ///< dotted path with indexes, `rules[0].match.state`; empty for syntax errors
  std::string message;

  friend bool operator==(const ConfigProblem&, const ConfigProblem&) = default;
};

/// `file:line: key: message`, the form every command prints.
[[nodiscard]] std::string to_string(const ConfigProblem& problem);

/// What loading gave. `settings` is meaningful only when `problems` is empty.
struct LoadedConfig {
  Settings settings;
  std::vector<ConfigProblem> problems;
  std::vector<ConfigProblem> warnings;  ///< of settings without problems: probably not meant

  [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Reads a YAML file of at most 1 MiB. Every problem is reported at once; unknown keys are problems
/// and name the nearest known key. Keys that are absent keep their built-in default. Blocks on the
/// file system: call it before the loop starts, or from a thread that may hang.
[[nodiscard]] LoadedConfig load_config(const std::string& path);

/// The same on text already read; `file` is only used in problems.
[[nodiscard]] LoadedConfig parse_config(std::string_view text, const std::string& file);

}  // namespace pghang
