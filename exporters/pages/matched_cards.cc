#include "exporters/pages/matched_cards.h"

#include <algorithm>
#include <utility>

#include "exporters/pages/cause_words.h"
#include "exporters/pages/incident_sections.h"
#include "exporters/pages/page.h"
#include "exporters/pages/release_steps.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// Two hundred victims of one hang are read once; the API lists each.
constexpr std::size_t kRows = 20;

/// The one that tells most: the first that was diagnosed.
const Incident* telling(const MatchedGroup& group) {
  for (const MatchedBackend& one : group.backends) {
    if (one.incident != nullptr && one.incident->verdict) return one.incident;
  }
  return group.backends.front().incident;
}

std::string protection(const BackendView& backend) {
  return backend.protected_by.empty() ? "" : " by " + backend.protected_by;
}

/// Why there is no verdict.
std::string undiagnosed_words(const BackendView& backend, const Incident* incident) {
  if (!backend.exemption.empty())
    return "never signalled: " + backend.exemption + protection(backend);
  if (incident != nullptr && !incident->capture_error.empty())
    return "no capture: " + incident->capture_error;
  return "No capture has been taken yet.";
}

/// Of the backend itself; else of whom it waits for.
std::string first_step_html(const Incident& incident) {
  const std::vector<ReleaseStep>& own = incident.verdict->release;
  const std::vector<ReleaseStep> none;
  const std::vector<ReleaseStep>& others =
      incident.wait_graph ? incident.wait_graph->release : none;
  const std::vector<ReleaseStep>& steps = own.empty() ? others : own;
  if (steps.empty()) return {};
  return "<div class=\"first\">\n<p><b>First step</b></p>\n" + release_step_html(steps.front()) +
         "</div>\n";
}

std::string head_html(const MatchedGroup& group, const Incident* incident) {
  if (incident == nullptr || !incident->verdict)
    return "<h3>Not diagnosed</h3>\n" +
           paragraph(undiagnosed_words(*group.backends.front().backend, incident));
  const Verdict& verdict = *incident->verdict;
  std::string sentence = verdict.summary;
  std::string queue = incident->wait_graph ? incident->wait_graph->summary : "";
  if (only_waits(*incident)) std::swap(sentence, queue);
  std::string html = "<h3>" + std::string(headline_of(*incident)) + "</h3>\n";
  html += "<p class=\"summary\">" + html_escaped(sentence) + "</p>\n" + paragraph(queue);
  html += first_step_html(*incident);
  if (verdict.signature) html += known_cause_html(*verdict.signature);
  return html;
}

std::string tags_html(const MatchedGroup& group, const Incident* incident) {
  std::string html = "<p class=\"tags\">";
  if (incident != nullptr && incident->verdict)
    html += "<code>" + std::string(to_string(incident->verdict->cause)) + "</code>, ";
  html += counted(group.backends.size(), "backend", "backends") + " of " +
          html_escaped(group.target->name);
  if (group.behind > 0) html += ", <b>" + counted(group.behind, "waits", "wait") + " behind</b>";
  if (incident != nullptr && incident->fingerprint)
    html += ", fingerprint " +
            link("fingerprints/" + incident->fingerprint->stable, incident->fingerprint->stable);
  return html + "</p>\n";
}

std::string stage_html(const BackendView& backend, const Incident* incident) {
  std::string html = spaced(to_string(backend.stage));
  const bool explained = incident != nullptr && incident->verdict.has_value();
  if (!backend.refused.empty())
    html += "<br><small>refused " + html_escaped(backend.refused) + "</small>";
  if (explained && !backend.exemption.empty() && backend.suppressed.empty())
    html += "<br><small>never signalled: " + html_escaped(backend.exemption + protection(backend)) +
            "</small>";
  // Unless the card's head says it.
  if (!backend.suppressed.empty() && (explained || backend.suppressed != backend.exemption))
    html += "<br><small>not signalled: " + html_escaped(backend.suppressed + protection(backend)) +
            "</small>";
  return html;
}

std::string who_html(const Activity& activity) {
  return html_escaped(activity.user.value_or("?")) + " @ " +
         html_escaped(activity.database.value_or("?")) + "<br><small>" +
         html_escaped(activity.application_name.value_or("")) + "</small>";
}

std::string row(const MatchedBackend& one) {
  const BackendView& backend = *one.backend;
  const Activity& activity = backend.activity;
  const std::string pid = std::to_string(activity.key.pid);
  const std::string name =
      one.incident == nullptr ? pid : link("incidents/" + one.incident->id, pid);
  std::string html = "<tr class=\"" + std::string(to_string(backend.stage)) + "\" data-key=\"" +
                     pid + "-" + std::to_string(activity.key.backend_start.micros) +
                     R"("><th scope="row">)" + name + "</th>";
  html += "<td>" + age_text(backend.matched_seconds) + "</td><td>" +
          stage_html(backend, one.incident) + "</td><td>" + std::to_string(one.behind) +
          "</td><td class=\"who\">" + who_html(activity) + "</td><td>" + html_escaped(backend.rule);
  if (backend.source == Source::os) html += "<br><small>source: os</small>";
  return html + "</td><td class=\"query\"><code>" + html_escaped(activity.query) +
         "</code></td></tr>\n";
}

}  // namespace

std::string matched_card(const MatchedGroup& group) {
  const Incident* incident = telling(group);
  std::string rows;
  const std::size_t shown = std::min(group.backends.size(), kRows);
  for (std::size_t i = 0; i < shown; ++i)
    rows += row(group.backends[i]);
  std::string html = "<article class=\"card" + std::string(group.hung ? " hung" : "") +
                     "\" data-key=\"" + html_escaped(group.key) + "\">\n";
  html += head_html(group, incident) + tags_html(group, incident);
  html +=
      table("Backends", {"PID", "Matched for", "Stage", "Behind it", "Who", "Rule", "Query"}, rows);
  if (shown < group.backends.size())
    html += "<p>and " + std::to_string(group.backends.size() - shown) +
            " more: <a href=\"api/v1/backends\">all as JSON</a></p>\n";
  return html + "</article>\n";
}

}  // namespace pghang
