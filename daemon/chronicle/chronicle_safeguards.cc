#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"
#include "exporters/text.h"

namespace pghang {

void Chronicle::breaker_changed(const std::string& target, const escalation::BreakerEvent& event) {
  std::vector<LogField> fields{
      {"target", target},
      {"rule", event.rule},
      {"matches", std::to_string(event.matches)}};
  if (!event.open) {
    fields.emplace_back("why", "no new high for its quiet time");
    log_.info("breaker_closed", fields);
    return;
  }
  fields.emplace_back("least_before", std::to_string(event.before));
  fields.emplace_back("restored", event.restored ? "true" : "false");
  fields.emplace_back("consequence", "the rule signals nobody until it closes or is reset");
  log_.warn("breaker_opened", fields);
}

void Chronicle::breakers_reset(
    const std::string& target,
    const std::vector<std::string>& rules,
    const std::string& by
) {
  for (const std::string& rule : rules)
    log_.info("breaker_closed", {{"target", target}, {"rule", rule}, {"why", "reset"}, {"by", by}});
}

void Chronicle::enforces(const std::string& target, bool enforces, const std::string& yields_to) {
  TargetView& view = view_of(target);
  if (enforces && !view.enforcing) log_.info("enforcing", {{"target", target}});
  if (!yields_to.empty() && view.other_daemon != yields_to) {
    log_.warn(
        "other_daemon",
        {{"target", target},
         {"holder", yields_to},
         {"consequence", "this daemon observes and signals nobody there"}}
    );
  }
  view.enforcing = enforces;
  view.other_daemon = yields_to;
}

void Chronicle::pause_unknown(const std::string& path) {
  view_.pause = PauseView{};
  view_.pause.paused = true;
  view_.pause.since_micros = wall_clock_();
  view_.pause.by = "pghangd";
  view_.pause.reason = path + " is still being read";
}

void Chronicle::not_paused() {
  view_.pause = PauseView{};
}

void Chronicle::paused(const Pause& pause, bool restored) {
  view_.pause = PauseView{
      .paused = true,
      .since_micros = pause.since_micros,
      .until_micros = pause.until_micros,
      .by = pause.by,
      .reason = pause.reason,
      .problem = ""};
  log_.warn(
      "paused",
      {{"until", pause.until_micros ? rfc3339(*pause.until_micros) : "resumed"},
       {"reason", pause.reason},
       {"by", pause.by},
       {"since", rfc3339(pause.since_micros)},
       {"restored", restored ? "true" : "false"},
       {"consequence", "no signal is sent"}}
  );
}

void Chronicle::resumed(const std::string& by) {
  view_.pause = PauseView{};
  log_.info("resumed", {{"by", by}});
}

void Chronicle::pause_saved(const std::string& problem) {
  view_.pause.problem = problem;
  if (problem.empty()) return;
  log_.warn(
      "pause_not_saved",
      {{"error", problem},
       {"consequence",
        view_.pause.paused ? "a restart ends the pause" : "a restart may pause again"}}
  );
}

}  // namespace pghang
