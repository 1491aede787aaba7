#include "exporters/pages/incident_sections.h"

#include <vector>

#include "diagnosis/report_descriptor.h"
#include "exporters/pages/cause_words.h"
#include "exporters/pages/page.h"
#include "exporters/pages/release_steps.h"
#include "exporters/pages/stack_section.h"
#include "exporters/pages/wait_section.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string place_html(const Capture& capture) {
  DescriptorFields fields;
  if (capture.syscall) {
    fields.emplace_back("system call", capture.syscall->text);
    if (capture.syscall->at_least_seconds > 0)
      fields.emplace_back("for at least", age_text(capture.syscall->at_least_seconds));
    const DescriptorFields more = descriptor_fields(*capture.syscall);
    fields.insert(fields.end(), more.begin(), more.end());
  }
  if (capture.wchan != "0") fields.emplace_back("in the kernel", capture.wchan);
  if (capture.tracer) fields.emplace_back("tracer", process_words(*capture.tracer));
  fields.emplace_back("children", processes_words(capture.children));
  return definitions(fields);
}

std::string missing_html(const Capture& capture) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Missing& entry : capture.missing)
    rows.emplace_back(
        spaced(entry.evidence),
        entry.error + (entry.needs.empty() ? "" : "; needs " + entry.needs)
    );
  return definitions(rows);
}

std::string no_verdict_html(const Incident& incident) {
  return "<h2 id=\"verdict\">Not diagnosed</h2>\n" +
         paragraph(
             incident.capture_error.empty() ? "No capture has been taken yet."
                                            : "No capture: " + incident.capture_error
         );
}

}  // namespace

std::string known_cause_html(const SignatureMatch& match) {
  const char* const claim = match.claim == BugClaim::known      ? "Known bug"
                            : match.claim == BugClaim::possible ? "Perhaps a known bug"
                                                                : "Known cause";
  return "<div class=\"known\">\n<p><b>" + std::string(claim) + ":</b> " +
         html_escaped(match.title + (match.text.empty() ? "" : "; " + match.text)) + "</p>\n" +
         paragraph(match.advice) + "</div>\n";
}

std::string verdict_html(const Incident& incident) {
  const std::string over = incident.stage == Stage::resolved ? " over" : "";
  std::string html =
      "<section class=\"verdict" + over + "\" data-key=\"verdict\" aria-labelledby=\"verdict\">\n";
  if (!incident.verdict) return html + no_verdict_html(incident) + "</section>\n";
  const Verdict& verdict = *incident.verdict;
  html += "<h2 id=\"verdict\">" + std::string(headline_of(incident)) + "</h2>\n";
  if (only_waits(incident)) html += paragraph(incident.wait_graph->summary);
  html += "<p class=\"summary\">" + html_escaped(verdict.summary) + "</p>\n";
  const std::string cause(to_string(verdict.cause));
  html += "<p class=\"tags\">" + link("../runbooks/" + cause, cause) + ", gate " +
          to_string(verdict.gate) + ", " + to_string(verdict.confidence) + "</p>\n";
  if (verdict.signature) html += known_cause_html(*verdict.signature);
  if (!verdict.detail.empty())
    html += "<p class=\"detail\">" + html_escaped(verdict.detail) + "</p>\n";
  return html + "</section>\n";
}

std::string release_html(const Incident& incident) {
  if (!incident.verdict) return {};
  return section("release", "What would free it", release_steps_html(incident.verdict->release));
}

std::string evidence_html(const Incident& incident) {
  std::string html;
  if (incident.evidence)
    html += section("place", "Where it is", place_html(incident.evidence->capture));
  html += section("waits", "Who waits for whom", waits_html(incident));
  if (incident.evidence && !has_ended(incident.evidence->capture))
    html += section("stacks", "Stacks", stacks_html(*incident.evidence));
  if (incident.evidence)
    html += section("missing", "Not available", missing_html(incident.evidence->capture));
  return html;
}

}  // namespace pghang
