#include "exporters/pages/incident_table.h"

#include <algorithm>

#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string cell(std::string_view foreign) {
  return "<td>" + html_escaped(foreign) + "</td>";
}

std::string row(const Incident& incident, const std::string& folder) {
  const Activity& activity = incident.activity;
  std::string html = "<tr class=\"" + std::string(to_string(incident.stage)) + "\" data-key=\"" +
                     html_escaped(incident.id) + R"("><th scope="row"><a href=")" +
                     html_escaped(folder + incident.id) + "\">" +
                     moment(incident.opened_at_micros) + "</a></th>";
  html += cell(std::to_string(incident.backend.pid)) + cell(incident.target);
  html += "<td>";
  if (incident.verdict)
    html += "<code>" + std::string(to_string(incident.verdict->cause)) + "</code>";
  html += "</td>" + cell(standing(incident));
  html += cell(
      incident.resolved_at_micros
          ? duration_text(*incident.resolved_at_micros - incident.opened_at_micros)
          : ""
  );
  html += cell(activity.user.value_or("")) + cell(activity.application_name.value_or(""));
  return html + "</tr>\n";
}

}  // namespace

std::string standing(const Incident& incident) {
  std::string words = spaced(to_string(incident.stage));
  if (incident.outcome) words += ": " + spaced(to_string(*incident.outcome));
  return words;
}

std::string how_long(const Incident& incident, std::int64_t now) {
  if (incident.resolved_at_micros)
    return "took " + duration_text(*incident.resolved_at_micros - incident.opened_at_micros);
  return "open for " + duration_text(now - incident.opened_at_micros);
}

std::string incident_table(
    const std::vector<const Incident*>& incidents,
    std::size_t limit,
    const std::string& folder
) {
  std::string rows;
  const std::size_t shown = std::min(incidents.size(), limit);
  for (std::size_t i = 0; i < shown; ++i)
    rows += row(*incidents[i], folder);
  std::string html = table(
      "Incidents",
      {"Since", "PID", "Server", "Cause", "Stage", "Took", "User", "Application"},
      rows
  );
  if (shown < incidents.size())
    html += "<p>and " + std::to_string(incidents.size() - shown) + " older ones</p>\n";
  return html;
}

}  // namespace pghang
