#include "exporters/pages/incident_page.h"

#include <utility>
#include <vector>

#include "exporters/pages/incident_sections.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// A screen of them; all are on the fingerprint's page.
constexpr std::size_t kRelated = 10;

std::string age(const std::optional<Micros>& micros) {
  return micros ? age_text(static_cast<double>(micros->count()) / 1e6) : "";
}

std::string timeline_html(const Incident& incident) {
  std::string html = "<ol>\n";
  for (const TimelineEntry& entry : incident.timeline) {
    html += "<li>" + moment(entry.at_micros) + " <b>" + spaced(to_string(entry.stage)) + "</b>";
    if (!entry.note.empty()) html += ": " + html_escaped(entry.note);
    html += "</li>\n";
  }
  return incident.timeline.empty() ? "" : html + "</ol>\n";
}

std::string state_words(const Activity& activity) {
  const std::string since = age(activity.state_age);
  return activity.state.value_or("") + (since.empty() ? "" : " for " + since);
}

std::string wait_event_words(const Activity& activity) {
  if (!activity.wait_event) return {};
  return activity.wait_event_type.value_or("") + "/" + *activity.wait_event;
}

std::string session_html(const Incident& incident) {
  const Activity& activity = incident.activity;
  return definitions({
      {"pid", std::to_string(incident.backend.pid)},
      {"kind", activity.backend_type},
      {"database", activity.database.value_or("")},
      {"user", activity.user.value_or("")},
      {"application", activity.application_name.value_or("")},
      {"client", activity.client_address.value_or("")},
      {"leader", activity.leader_pid ? std::to_string(*activity.leader_pid) : ""},
      {"state", state_words(activity)},
      {"wait event", wait_event_words(activity)},
      {"statement", age(activity.query_age)},
      {"transaction", age(activity.xact_age)},
      {"query", activity.query},
  });
}

std::string summary_html(const Incident& incident) {
  std::string html = "<p><b>" + spaced(to_string(incident.stage)) + "</b>";
  if (incident.outcome) html += ": " + spaced(to_string(*incident.outcome));
  html += ", rule " + html_escaped(incident.rule) + " on " + html_escaped(incident.target);
  html += ", since " + moment(incident.opened_at_micros);
  if (incident.resolved_at_micros) {
    const auto took = *incident.resolved_at_micros - incident.opened_at_micros;
    html += ", over after " + age_text(static_cast<double>(took) / 1e6);
  }
  return html + "</p>\n";
}

std::string fingerprint_html(const View& view, const Incident& incident) {
  if (!incident.fingerprint) return {};
  const std::string& stable = incident.fingerprint->stable;
  std::string html = "<p>" + link("../fingerprints/" + stable, stable) + ": <code>" +
                     html_escaped(incident.fingerprint->text) + "</code></p>\n";
  std::string related;
  std::size_t count = 0;
  for (const Incident& other : view.incidents) {
    if (!other.fingerprint || other.fingerprint->stable != stable || other.id == incident.id)
      continue;
    if (++count > kRelated) continue;
    related += "<li>" + link(other.id, other.id) + " on " + html_escaped(other.target) + ", " +
               spaced(to_string(other.stage)) + "</li>\n";
  }
  if (count == 0) return html + "<p>No other incident of it is kept.</p>\n";
  html += "<p>" + std::to_string(count) + " other of it:</p>\n<ul>\n" + related + "</ul>\n";
  return html;
}

}  // namespace

std::string incident_page(const View& view, const Incident& incident) {
  std::string html = page_begin("Incident " + incident.id);
  html += summary_html(incident) + verdict_html(incident) + release_html(incident);
  html += section("Timeline", timeline_html(incident));
  html += section("Session", session_html(incident));
  html += evidence_html(incident);
  html += section("The same hang", fingerprint_html(view, incident));
  const std::string api = "../api/v1/incidents/" + incident.id;
  return html + page_end({{api, "as JSON"}, {api + "?format=text", "as text"}});
}

}  // namespace pghang
