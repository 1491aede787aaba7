#include "exporters/pages/server_list.h"

#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string notice(const std::string& html) {
  return "<li>" + html + "</li>\n";
}

std::string pause_words(const PauseView& pause) {
  std::string html = "<b>paused</b> (sends no signal) ";
  html += pause.until_micros ? "until " + moment(*pause.until_micros) : "until somebody resumes";
  html += ", by " + html_escaped(pause.by);
  return pause.reason.empty() ? html : html + ": " + html_escaped(pause.reason);
}

std::string target_notices(const TargetView& target) {
  const std::string name = html_escaped(target.name) + ": ";
  std::string html;
  if (!target.up) html += notice(name + "<b>DOWN</b> " + html_escaped(error_text(target)));
  if (target.local == false)
    html += notice(
        name +
        "<b>no local process</b> (nothing can be captured): " + html_escaped(target.not_local)
    );
  if (!target.other_daemon.empty())
    html += notice(
        name + "<b>only observed</b>: another pghangd signals here, " +
        html_escaped(target.other_daemon)
    );
  for (const BreakerView& breaker : target.breakers) {
    if (!breaker.open) continue;
    html += notice(
        name + "<b>breaker open</b>: rule " + html_escaped(breaker.rule) +
        " suddenly matched many, now " + std::to_string(breaker.matches)
    );
  }
  return html;
}

std::string row(const TargetView& target) {
  std::string html = "<tr data-key=\"" + html_escaped(target.name) + R"("><th scope="row">)" +
                     html_escaped(target.name) + "</th><td>";
  html += target.up ? "up" : "<b class=\"bad\">down</b>";
  html += "</td><td>" + html_escaped(target.mode) + "</td><td>";
  if (target.server) html += "PostgreSQL " + html_escaped(target.server->version);
  html += "</td><td>";
  if (target.last_poll_micros != 0) html += moment(target.last_poll_micros);
  return html + "</td><td><code>" + html_escaped(target.dsn) + "</code></td></tr>\n";
}

}  // namespace

std::string notices_html(const View& view) {
  std::string html;
  if (view.pause.paused) html += notice(pause_words(view.pause));
  if (!view.pause.problem.empty())
    html += notice(
        "<b>a restart would undo what was asked last</b>: " + html_escaped(view.pause.problem)
    );
  if (view.mode == "observe")
    html += notice("mode <b>observe</b>: pghangd watches and explains, and sends no signal");
  if (!view.ready) html += notice("<b>not ready</b>: no poll has been tried yet");
  if (!view.config_last_reload_successful)
    html += notice("<b>the last reload of the configuration failed</b>");
  if (view.web_config && !view.web_config->problem.empty())
    html += notice(
        "<b>an old web configuration is in use</b>: " + html_escaped(view.web_config->problem)
    );
  for (const TargetView& target : view.targets)
    html += target_notices(target);
  return html.empty() ? html : "<ul class=\"notices\">\n" + html + "</ul>\n";
}

std::string servers_html(const View& view) {
  std::string rows;
  for (const TargetView& target : view.targets)
    rows += row(target);
  return table("Servers", {"Server", "State", "Mode", "Version", "Last poll", "Connection"}, rows);
}

}  // namespace pghang
