#include "daemon/service/status_line.h"

#include <algorithm>

namespace pghang {

std::string status_line(const View& view, const std::string& degraded) {
  const auto up = std::ranges::count_if(view.targets, &TargetView::up);
  const auto open = std::ranges::count_if(view.incidents, [](const Incident& incident) {
    return incident.stage != Stage::resolved;
  });
  std::string line = std::to_string(up) + " of " + std::to_string(view.targets.size()) +
                     (view.targets.size() == 1 ? " target up, " : " targets up, ") +
                     std::to_string(open) +
                     (open == 1 ? " open incident, mode " : " open incidents, mode ") + view.mode;
  if (view.web_config && !view.web_config->problem.empty())
    line += "; an old web configuration is in use, see the log";
  if (!view.config_last_reload_successful) line += "; the last reload failed, see the log";
  if (!degraded.empty()) line += "; " + degraded;
  for (const TargetView& target : view.targets) {
    if (!target.up && !target.error.empty()) line += "; " + target.name + ": " + target.error;
  }
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace pghang
