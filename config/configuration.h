#pragma once

#include <string>
#include <vector>

#include "config/loader.h"
#include "config/signatures.h"

namespace pghang {

/// All that a configuration file leads to. The rest is meaningful only when `problems` is empty.
struct Configuration {
  Settings settings;
  std::vector<Signature> signatures;  ///< load_catalogue() of settings.signatures.files
  std::vector<ConfigProblem> problems;
  std::vector<ConfigProblem> warnings;  ///< as in LoadedConfig

  [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Reads the file, and the signature files that it names; an empty path gives the built-in
/// defaults. Blocks on the file system.
[[nodiscard]] Configuration load_configuration(const std::string& path);

}  // namespace pghang
