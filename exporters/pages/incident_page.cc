#include "exporters/pages/incident_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "exporters/pages/incident_sections.h"
#include "exporters/pages/incident_table.h"
#include "exporters/pages/page.h"
#include "exporters/pages/timeline.h"
#include "exporters/pages/wait_section.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// A screen of them; all are on the fingerprint's page.
constexpr std::size_t kRelated = 10;

std::string age(const std::optional<Micros>& micros) {
  return micros ? duration_text(micros->count()) : "";
}

std::string state_words(const Activity& activity) {
  const std::string since = age(activity.state_age);
  return activity.state.value_or("") + (since.empty() ? "" : " for " + since);
}

std::string wait_event_words(const Activity& activity) {
  if (!activity.wait_event) return {};
  return activity.wait_event_type.value_or("") + "/" + *activity.wait_event;
}

/// Of the latest poll while it is there, else as the incident last saw it.
const Activity& latest_activity(const View& view, const Incident& incident) {
  for (const TargetView& target : view.targets) {
    const auto found = std::ranges::find(target.backends, incident.id, &BackendView::incident_id);
    if (found != target.backends.end()) return found->activity;
  }
  return incident.activity;
}

std::string session_html(const Incident& incident, const Activity& activity) {
  return definitions({
      {"pid", std::to_string(incident.backend.pid)},
      {"kind", activity.backend_type},
      {"database", activity.database.value_or("")},
      {"user", activity.user.value_or("")},
      {"application", activity.application_name.value_or("")},
      {"client", activity.client_address.value_or(activity.local_client ? "local socket" : "")},
      {"leader", activity.leader_pid ? std::to_string(*activity.leader_pid) : ""},
      {"state", state_words(activity)},
      {"wait event", wait_event_words(activity)},
      {"statement", age(activity.query_age)},
      {"transaction", age(activity.xact_age)},
      {"query", activity.query},
  });
}

std::string heading(const Incident& incident) {
  return "Backend " + std::to_string(incident.backend.pid) + " of " + incident.target;
}

std::string summary_html(const Incident& incident, std::int64_t now) {
  std::string html = R"(<p class="lead"><b class="stage )" +
                     std::string(to_string(incident.stage)) + "\">" + standing(incident) +
                     "</b>, " + how_long(incident, now);
  if (const std::size_t behind = waiters_behind(incident); behind > 0)
    html += ", <b>" + counted(behind, "backend waits", "backends wait") + " behind it</b>";
  html += "<br><small>rule " + html_escaped(incident.rule) + ", since " +
          moment(incident.opened_at_micros) + ", incident " + html_escaped(incident.id);
  return html + "</small></p>\n";
}

std::string fingerprint_html(const View& view, const Incident& incident) {
  if (!incident.fingerprint) return {};
  const std::string& stable = incident.fingerprint->stable;
  std::string html = "<p>Fingerprint " + link("../fingerprints/" + stable, stable) + ": <code>" +
                     html_escaped(incident.fingerprint->text) + "</code></p>\n";
  std::vector<const Incident*> related;
  for (const Incident& other : view.incidents) {
    if (other.fingerprint && other.fingerprint->stable == stable && other.id != incident.id)
      related.push_back(&other);
  }
  if (related.empty()) return html + "<p>No other incident of it is kept.</p>\n";
  html += "<p>" + counted(related.size(), "other incident", "other incidents") + " of it:</p>\n";
  return html + incident_table(related, kRelated, "");
}

}  // namespace

std::string incident_page(const View& view, const Incident& incident, std::int64_t now) {
  std::string html = page_begin(heading(incident), "../");
  html += "<h1>" + html_escaped(heading(incident)) + "</h1>\n" + summary_html(incident, now);
  html += verdict_html(incident) + release_html(incident);
  html += "<div class=\"pair\">\n" + section("timeline", "Timeline", timeline_html(incident, now)) +
          section("session", "Session", session_html(incident, latest_activity(view, incident))) +
          "</div>\n";
  html += evidence_html(incident);
  html += section("same", "The same hang", fingerprint_html(view, incident));
  const std::string api = "../api/v1/incidents/" + incident.id;
  return html + page_end({{api, "as JSON"}, {api + "?format=text", "as text"}});
}

}  // namespace pghang
