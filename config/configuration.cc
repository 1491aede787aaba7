#include "config/configuration.h"

#include <utility>

namespace pghang {

Configuration load_configuration(const std::string& path) {
  LoadedConfig loaded =
      path.empty() ? LoadedConfig{.settings = default_settings(), .problems = {}, .warnings = {}}
                   : load_config(path);
  if (!loaded.ok())
    return {
        .settings = std::move(loaded.settings),
        .signatures = {},
        .problems = std::move(loaded.problems),
        .warnings = {}};
  LoadedSignatures catalogue = load_catalogue(loaded.settings.signatures.files);
  return {
      .settings = std::move(loaded.settings),
      .signatures = std::move(catalogue.signatures),
      .problems = std::move(catalogue.problems),
      .warnings = std::move(loaded.warnings)};
}

}  // namespace pghang
