#include "exporters/pages/incident_sections.h"

#include <vector>

#include "diagnosis/report_descriptor.h"
#include "diagnosis/report_stack.h"
#include "diagnosis/report_waits.h"
#include "diagnosis/report_writer.h"
#include "diagnosis/server_pid.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

std::string paragraph(const std::string& words) {
  return words.empty() ? "" : "<p>" + html_escaped(words) + "</p>\n";
}

std::string known_cause(const SignatureMatch& match) {
  const char* const claim = match.claim == BugClaim::known      ? "Known bug: "
                            : match.claim == BugClaim::possible ? "Perhaps a known bug: "
                                                                : "Known cause: ";
  return paragraph(claim + match.title + "; " + match.text) + paragraph(match.advice);
}

/// The system call and its descriptors, as the report words them.
std::string place_text(const Capture& capture) {
  ReportWriter out;
  if (capture.syscall) {
    out.field("system call", capture.syscall->text);
    if (capture.syscall->at_least_seconds > 0)
      out.field("for at least", age_text(capture.syscall->at_least_seconds));
    write_descriptors(*capture.syscall, out);
  }
  if (capture.wchan != "0") out.field("wchan", capture.wchan);
  if (capture.tracer) out.field("tracer", process_words(*capture.tracer));
  out.field("children", processes_words(capture.children));
  return out.take();
}

std::string waits_text(const Incident& incident) {
  if (!incident.wait_graph) return {};
  ReportWriter out;
  const pid_t reported =
      incident.evidence ? server_pid(incident.evidence->capture) : incident.backend.pid;
  write_waits(*incident.wait_graph, reported, out);
  const std::string text = out.take();
  return text.substr(text.find('\n') + 1);  // its heading is that of the section
}

std::string stacks_text(const Evidence& evidence) {
  ReportWriter out;
  write_stacks(evidence.capture, out);
  write_samples(evidence, out);
  return out.take();
}

std::string missing_html(const Capture& capture) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Missing& entry : capture.missing)
    rows.emplace_back(
        entry.evidence,
        entry.error + (entry.needs.empty() ? "" : "; needs " + entry.needs)
    );
  return definitions(rows);
}

}  // namespace

std::string verdict_html(const Incident& incident) {
  const std::string resolved = incident.stage == Stage::resolved ? " resolved" : "";
  std::string html = "<div class=\"verdict" + resolved + "\">\n";
  if (!incident.verdict) {
    html += paragraph(
        incident.capture_error.empty() ? "No capture has been taken yet."
                                       : "No capture: " + incident.capture_error
    );
    return html + "</div>\n";
  }
  const Verdict& verdict = *incident.verdict;
  html += "<p><b>" + html_escaped(to_string(verdict.cause)) + "</b> (gate: ";
  html += std::string(to_string(verdict.gate)) + "; " + to_string(verdict.confidence) + ")</p>\n";
  html += paragraph(verdict.summary) + paragraph(verdict.detail);
  if (verdict.signature) html += known_cause(*verdict.signature);
  return html + "</div>\n";
}

std::string release_html(const Incident& incident) {
  if (!incident.verdict || incident.verdict->release.empty()) return {};
  std::string html = "<ol>\n";
  for (const ReleaseStep& step : incident.verdict->release)
    html += "<li>" + html_escaped(step.step) +
            " <span class=\"price\">price: " + html_escaped(step.price) + "</span></li>\n";
  return section("What would free it", html + "</ol>\n");
}

std::string evidence_html(const Incident& incident) {
  std::string html;
  if (incident.evidence)
    html += section("Where it is", laid_out(place_text(incident.evidence->capture)));
  html += section("Who waits for whom", laid_out(waits_text(incident)));
  if (incident.evidence && !has_ended(incident.evidence->capture))
    html += section("Stacks", laid_out(stacks_text(*incident.evidence)));
  if (incident.evidence) html += section("Not available", missing_html(incident.evidence->capture));
  return html;
}

}  // namespace pghang
