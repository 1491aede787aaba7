#include "exporters/pages/landing_page.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/text.h"

namespace pghang {
namespace {

struct Row {
  const TargetView* target;
  const BackendView* backend;
};

const Incident* incident_of(const View& view, const BackendView& backend) {
  if (backend.incident_id.empty()) return nullptr;
  const auto found = std::ranges::find(view.incidents, backend.incident_id, &Incident::id);
  return found == view.incidents.end() ? nullptr : &*found;
}

/// Further along is worse, and longer is worse.
std::vector<Row> matched_rows(const View& view) {
  std::vector<Row> rows;
  for (const TargetView& target : view.targets) {
    for (const BackendView& backend : target.backends) {
      if (backend.stage != Stage::watching) rows.push_back({&target, &backend});
    }
  }
  std::ranges::stable_sort(rows, std::ranges::greater{}, [](const Row& row) {
    return std::pair(row.backend->stage, row.backend->matched_seconds);
  });
  return rows;
}

std::string words(Stage stage) {
  std::string text = to_string(stage);
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string why(const BackendView& backend, const Incident* incident) {
  if (incident != nullptr && incident->verdict) {
    const Verdict& verdict = *incident->verdict;
    return "<b>" + html_escaped(to_string(verdict.cause)) + "</b> " + html_escaped(verdict.summary);
  }
  if (!backend.exemption.empty()) {
    const std::string entry = backend.protected_by.empty() ? "" : " by " + backend.protected_by;
    return "never signalled: " + html_escaped(backend.exemption + entry);
  }
  if (incident != nullptr && !incident->capture_error.empty())
    return "no capture: " + html_escaped(incident->capture_error);
  return "";
}

/// Unless why() says it.
std::string not_signalled(const BackendView& backend, const Incident* incident) {
  const bool explained = incident != nullptr && incident->verdict.has_value();
  if (backend.suppressed.empty() || (!explained && backend.suppressed == backend.exemption))
    return "";
  std::string reason = backend.suppressed;
  if (!backend.protected_by.empty()) reason += " by " + backend.protected_by;
  return "<br><small>not signalled: " + html_escaped(reason) + "</small>";
}

std::string cell(const std::string& html) {
  return "<td>" + html + "</td>";
}

std::string table_row(const View& view, const Row& row) {
  const BackendView& backend = *row.backend;
  const Activity& activity = backend.activity;
  const Incident* incident = incident_of(view, backend);
  const std::string who = html_escaped(activity.user.value_or("?")) + " @ " +
                          html_escaped(activity.database.value_or("?")) + "<br><small>" +
                          html_escaped(activity.application_name.value_or("")) + "</small>";
  std::string link;
  if (incident != nullptr) {
    const std::string id = html_escaped(incident->id);
    link.append("<a href=\"incidents/").append(id).append("\">").append(id).append("</a>");
  }
  std::string html = "<tr class=\"";
  html += to_string(backend.stage);
  html += "\">";
  html += cell(html_escaped(age_text(backend.matched_seconds)));
  html += cell(words(backend.stage));
  html += cell(
      std::to_string(activity.key.pid) + "<br><small>" + html_escaped(row.target->name) + "</small>"
  );
  html += cell(who);
  const bool os = backend.source == Source::os;
  html += cell(html_escaped(backend.rule) + (os ? "<br><small>source: os</small>" : ""));
  html += cell(
      why(backend, incident) + not_signalled(backend, incident) + "<br><code>" +
      html_escaped(activity.query) + "</code>"
  );
  html += cell(link);
  return html + "</tr>\n";
}

std::string target_line(const TargetView& target) {
  std::string html = "<li><b>" + html_escaped(target.name) + "</b>: ";
  html += target.up ? "up" : "<b class=\"down\">DOWN</b> " + html_escaped(error_text(target));
  if (target.server) html += ", PostgreSQL " + html_escaped(target.server->version);
  html += ", <code>" + html_escaped(target.dsn) + "</code>";
  if (target.last_poll_micros != 0) html += ", last poll " + rfc3339(target.last_poll_micros);
  if (!target.mode.empty()) html += ", mode " + html_escaped(target.mode);
  if (target.local == false) {
    html +=
        ", <b>no local process</b> (nothing can be captured): " + html_escaped(target.not_local);
  }
  if (!target.other_daemon.empty())
    html += ", <b class=\"down\">only observed</b>: another pghangd signals here, " +
            html_escaped(target.other_daemon);
  for (const BreakerView& breaker : target.breakers) {
    if (!breaker.open) continue;
    html += ", <b class=\"down\">breaker open</b>: rule " + html_escaped(breaker.rule) +
            " suddenly matched many, now " + std::to_string(breaker.matches);
  }
  return html + "</li>\n";
}

std::string pause_words(const PauseView& pause) {
  std::string html = ", <b class=\"down\">paused</b> (sends no signal) ";
  html += pause.until_micros ? "until " + rfc3339(*pause.until_micros) : "until somebody resumes";
  html += ", by " + html_escaped(pause.by);
  return pause.reason.empty() ? html : html + ": " + html_escaped(pause.reason);
}

std::string relative_link(std::string_view path) {
  while (path.starts_with('/'))
    path.remove_prefix(1);
  const std::string safe = html_escaped(path);
  return "<a href=\"" + safe + "\">" + safe + "</a>\n";
}

}  // namespace

std::string landing_page(const View& view, const std::string& telemetry_path) {
  const std::vector<Row> rows = matched_rows(view);
  const auto hung = std::ranges::count_if(rows, [](const Row& row) {
    return row.backend->stage == Stage::unresponsive;
  });

  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>pghangd: " +
      std::to_string(hung) +
      " hung</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n"
      "<h1>pghangd " +
      html_escaped(view.version) + "</h1>\n<p>mode <b>" + html_escaped(view.mode) + "</b>";
  html += view.mode == "observe" ? " (sends no signal)" : "";
  if (view.pause.paused) html += pause_words(view.pause);
  html += view.ready ? "" : ", <b class=\"down\">not ready</b>: no poll has been tried yet";
  html += view.config_last_reload_successful
              ? ""
              : ", <b class=\"down\">the last reload of the configuration failed</b>";
  html += "</p>\n<ul>\n";
  for (const TargetView& target : view.targets)
    html += target_line(target);
  html += "</ul>\n";

  if (rows.empty()) {
    html += "<p>No backend is hung or matched by a rule.</p>\n";
  } else {
    html += "<h2>" + std::to_string(hung) + " unresponsive, " +
            std::to_string(rows.size() - static_cast<std::size_t>(hung)) + " matched</h2>\n";
    html +=
        "<table>\n<thead><tr><th>Matched for</th><th>Stage</th><th>PID</th><th>Who</th>"
        "<th>Rule</th><th>Why it is still there</th><th>Incident</th></tr></thead>\n<tbody>\n";
    for (const Row& row : rows)
      html += table_row(view, row);
    html += "</tbody>\n</table>\n";
  }

  html += "<nav>\n" + relative_link(telemetry_path);
  for (const char* path :
       {"/api/v1/status", "/api/v1/backends", "/api/v1/incidents", "/-/healthy", "/-/ready"})
    html += relative_link(path);
  return html + "</nav>\n</body>\n</html>\n";
}

const char* style_sheet() {
  return R"(:root { color-scheme: light dark; --line: #8886; --bad: #b00020; --hung: #b0002018; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --hung: #ff8a8022; } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
tr.unresponsive { background: var(--hung); }
tr.unresponsive td:first-child { border-left: 4px solid var(--bad); }
code { font-size: .85em; overflow-wrap: anywhere; }
.down { color: var(--bad); }
nav { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1.5rem; }
)";
}

}  // namespace pghang
