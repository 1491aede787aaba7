#pragma once

#include <string>
#include <string_view>

#include "config/problems.h"
#include "config/web_config.h"

namespace pghang {

/// A web configuration as it was read, and what knows where each key stands.
struct LoadedWebConfig {
  WebConfig config;   ///< meaningful without problems
  Problems problems;  ///< more may be added by whoever reads the files that it names
  Problems warnings;
};

/// Reads a file of at most 1 MiB; the files that it names are taken relative to its folder, and not
/// read. Unknown keys are problems. No problem and no warning repeats a secret. Blocks on the file
/// system.
[[nodiscard]] LoadedWebConfig load_web_config(const std::string& path);

/// The same on text already read; `path` says where the files that it names are.
[[nodiscard]] LoadedWebConfig parse_web_config(std::string_view text, const std::string& path);

}  // namespace pghang
