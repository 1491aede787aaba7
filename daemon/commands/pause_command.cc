#include <cstdio>

#include "config/units.h"
#include "daemon/commands/commands.h"
#include "daemon/controls/control_client.h"
#include "exporters/http/query_string.h"
#include "exporters/lifecycle.h"

namespace pghang {
namespace {

/// More than the daemon's own patience with the disk.
constexpr std::chrono::seconds kPatience{5};

ExitCode say(const std::string& why, ExitCode code) {
  std::fprintf(stderr, "pghangd: %s\n", why.c_str());
  return code;
}

/// The socket by the command line, else by the configuration. Nothing: said why.
std::optional<std::string> find_socket(const ControlOptions& options) {
  if (!options.socket.empty()) return options.socket;
  ConfigOptions config;
  config.config_file = options.config_file;
  const auto loaded = load_settings(config);
  if (!loaded) return std::nullopt;
  const std::string path = control_socket_path(loaded->settings.web.control_socket);
  if (path.empty()) {
    say("web.control_socket is empty: the daemon has no control socket", ExitCode::no_result);
    return std::nullopt;
  }
  return path;
}

ExitCode ask(const ControlOptions& options, const std::string& target) {
  const auto socket = find_socket(options);
  if (!socket) return ExitCode::configuration;
  const Result<ControlAnswer> answer = control_post(*socket, target, kPatience);
  if (!answer) {
    const bool denied = answer.error().code == Errc::permission_denied;
    return say(answer.error().context, denied ? ExitCode::permission : ExitCode::no_result);
  }
  if (answer->status != 200 && answer->status != 202) return say(answer->body, ExitCode::no_result);
  std::printf("%s\n", answer->body.c_str());
  return answer->status == 200 ? ExitCode::done : ExitCode::partial;
}

}  // namespace

ExitCode pause_command(const PauseOptions& options) {
  const Result<Duration> length = parse_duration(options.length);
  if (!length) return say("pause: " + length.error().context, ExitCode::usage);
  if (*length < std::chrono::seconds(1) || *length > kLongestPause)
    return say("pause: 1s to " + format_duration(kLongestPause), ExitCode::usage);
  if (options.reason.size() > kLongestReason)
    return say(
        "--reason: is longer than " + std::to_string(kLongestReason) + " bytes",
        ExitCode::usage
    );
  std::string target = "/-/pause?for=" + query_encoded(format_duration(*length));
  if (!options.reason.empty()) target += "&reason=" + query_encoded(options.reason);
  return ask(options.control, target);
}

ExitCode resume_command(const ControlOptions& options) {
  return ask(options, "/-/resume");
}

}  // namespace pghang
