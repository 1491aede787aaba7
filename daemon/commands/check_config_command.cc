#include <cstdio>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/controls/web_config_watch.h"

namespace pghang {
namespace {

void print(const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems)
    std::printf("%s\n", to_string(problem).c_str());
}

bool check_main(const std::string& file, Settings& settings) {
  // An empty name is not the built-in defaults here.
  const LoadedConfig named = load_config(file);
  print(named.problems);
  if (!named.ok()) return false;
  const Configuration loaded = load_configuration(file);
  print(loaded.problems);
  print(loaded.warnings);
  settings = loaded.settings;
  return loaded.ok();
}

bool check_web(const std::string& file) {
  const LoadedWebAccess loaded = read_web_config(file).loaded;
  print(loaded.problems);
  print(loaded.warnings);
  if (!loaded.ok()) return false;
  const std::size_t users = loaded.access.config.basic_auth_users.size();
  std::printf(
      "%s: ok: %s, client certificates %s, %zu user%s\n",
      file.c_str(),
      loaded.access.tls.context ? "TLS" : "no TLS",
      to_string(loaded.access.config.tls_server_config.client_auth_type),
      users,
      users == 1 ? "" : "s"
  );
  return true;
}

}  // namespace

ExitCode check_config_command(const CheckConfigOptions& options) {
  Settings settings;
  bool ok = true;
  if (!options.file.empty()) {
    ok = check_main(options.file, settings);
    if (ok)
      std::printf(
          "%s: ok: mode %s, %zu target%s, %zu rule%s\n",
          options.file.c_str(),
          settings.mode == Mode::enforce ? "enforce" : "observe",
          settings.targets.size(),
          settings.targets.size() == 1 ? "" : "s",
          settings.rules.size(),
          settings.rules.size() == 1 ? "" : "s"
      );
  }
  const std::string web = options.web_config_file.value_or(settings.web.config_file);
  if (!web.empty()) ok = check_web(web) && ok;
  return ok ? ExitCode::done : ExitCode::configuration;
}

}  // namespace pghang
