#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/loader.h"
#include "config/web_config.h"
#include "exporters/http/tls_context.h"

namespace pghang {

/// All that a web configuration file leads to, ready for the loop.
struct WebAccess {
  WebConfig config;                ///< without key material
  TlsServer tls;                   ///< no context: plain HTTP
  std::vector<std::string> files;  ///< it and those that it names
};

struct LoadedWebAccess {
  WebAccess access;  ///< without problems; `files` always
  std::vector<ConfigProblem> problems;
  std::vector<ConfigProblem> warnings;

  [[nodiscard]] bool ok() const { return problems.empty(); }
};

/// Reads the file and the certificates that it names. `now`: unix seconds. Blocks on the file
/// system; any thread.
[[nodiscard]] LoadedWebAccess load_web_access(const std::string& path, std::int64_t now);

}  // namespace pghang
