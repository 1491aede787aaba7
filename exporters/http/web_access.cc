#include "exporters/http/web_access.h"

#include <utility>

#include "config/web_config_loader.h"

namespace pghang {

LoadedWebAccess load_web_access(const std::string& path, std::int64_t now) {
  LoadedWebConfig loaded = load_web_config(path);
  LoadedWebAccess result;
  result.access.files = {path};
  TlsServerConfig& tls = loaded.config.tls_server_config;
  for (const std::string& file : {tls.cert_file, tls.key_file, tls.client_ca_file}) {
    if (!file.empty()) result.access.files.push_back(file);
  }
  if (loaded.problems.empty() && tls.enabled()) {
    auto made = make_tls_server(tls, now, loaded.problems, loaded.warnings);
    if (made) result.access.tls = *std::move(made);
  }
  tls.key = {};
  result.access.config = std::move(loaded.config);
  result.problems = loaded.problems.take();
  result.warnings = loaded.warnings.take();
  return result;
}

}  // namespace pghang
