#include "exporters/pages/fingerprint_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "exporters/pages/incident_sections.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// More do not help at 3 a.m.; the API has them all.
constexpr std::size_t kRows = 100;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string counts_html(const FingerprintGroup& group) {
  const std::size_t kept = group.incidents.size();
  std::string html = "<p><b>" + std::to_string(group.backends) + "</b> hung now, " +
                     std::to_string(kept) + (kept == 1 ? " incident" : " incidents") +
                     " kept, the last of " + moment(group.incidents.front()->opened_at_micros);
  if (kept > 1) html += ", the first of " + moment(group.incidents.back()->opened_at_micros);
  html += "</p>\n";
  return html + definitions({
                    {"causes", joined(group.causes)},
                    {"targets", joined(group.targets)},
                    {"signature", group.signature},
                    {"functions", group.text},
                });
}

/// The newest open incident that was looked at, else the newest that was.
const Incident& telling(const FingerprintGroup& group) {
  const auto open = std::ranges::find_if(group.incidents, [](const Incident* incident) {
    return incident->stage != Stage::resolved && incident->evidence;
  });
  if (open != group.incidents.end()) return **open;
  const auto known = std::ranges::find_if(group.incidents, [](const Incident* incident) {
    return incident->evidence.has_value();
  });
  return known == group.incidents.end() ? *group.incidents.front() : **known;
}

std::string row(const Incident& incident) {
  std::string html = "<tr class=\"";
  html += std::string(to_string(incident.stage)) + "\"><td>" + moment(incident.opened_at_micros);
  html += "</td><td>" + html_escaped(incident.target) + "</td><td>";
  html += std::to_string(incident.backend.pid) + "</td><td>" + spaced(to_string(incident.stage));
  if (incident.outcome) html += ": " + spaced(to_string(*incident.outcome));
  html += "</td><td>" + html_escaped(incident.activity.application_name.value_or(""));
  return html + "</td><td>" + link("../incidents/" + incident.id, incident.id) + "</td></tr>\n";
}

std::string incidents_html(const FingerprintGroup& group) {
  std::string html =
      "<table>\n<thead><tr><th>Since</th><th>Target</th><th>PID</th><th>Stage</th>"
      "<th>Application</th><th>Incident</th></tr></thead>\n<tbody>\n";
  const std::size_t shown = std::min(group.incidents.size(), kRows);
  for (std::size_t i = 0; i < shown; ++i)
    html += row(*group.incidents[i]);
  html += "</tbody>\n</table>\n";
  if (shown < group.incidents.size())
    html += "<p>and " + std::to_string(group.incidents.size() - shown) + " older ones</p>\n";
  return html;
}

}  // namespace

std::string fingerprint_page(const FingerprintGroup& group) {
  const Incident& incident = telling(group);
  std::string html = page_begin("Fingerprint " + group.id);
  html += counts_html(group) + verdict_html(incident) + release_html(incident);
  html += section("Incidents", incidents_html(group));
  html += "<p>The evidence below is that of " + link("../incidents/" + incident.id, incident.id) +
          ".</p>\n";
  html += evidence_html(incident);
  return html + page_end({{"../api/v1/fingerprints/" + group.id, "as JSON"}});
}

}  // namespace pghang
