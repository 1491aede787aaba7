#include "exporters/pages/fingerprint_page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "diagnosis/text.h"
#include "exporters/pages/incident_sections.h"
#include "exporters/pages/incident_table.h"
#include "exporters/pages/page.h"
#include "exporters/pages/sparkline.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// More do not help at 3 a.m.; the API has them all.
constexpr std::size_t kRows = 100;

std::string bars_of(const FingerprintGroup& group, std::int64_t now, const BarSpan& span) {
  std::vector<std::int64_t> moments;
  for (const Incident* incident : group.incidents)
    moments.push_back(incident->opened_at_micros);
  return bars_html(counts_over_time(moments, now, span), span);
}

std::string counts_html(const FingerprintGroup& group, std::int64_t now) {
  const std::size_t kept = group.incidents.size();
  std::string html = "<p class=\"lead\"><b>" + std::to_string(group.backends) + "</b> open now, " +
                     counted(kept, "incident", "incidents") + " kept, the last of " +
                     moment(group.incidents.front()->opened_at_micros);
  if (kept > 1) html += ", the first of " + moment(group.incidents.back()->opened_at_micros);
  return html + "</p>\n<p class=\"over-time\">Last 24 hours: " + bars_of(group, now, kLastDay) +
         " Last 7 days: " + bars_of(group, now, kLastWeek) + "</p>\n";
}

std::string about_html(const FingerprintGroup& group) {
  return definitions({
      {"causes", text::join(group.causes)},
      {"servers", text::join(group.targets)},
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

std::string row(const FingerprintGroup& group, const std::string& folder, std::int64_t now) {
  std::string html = "<tr data-key=\"" + html_escaped(group.id) + R"("><th scope="row">)" +
                     link(folder + group.id, group.id) + "<br><small>" + html_escaped(group.text) +
                     "</small></th>";
  html += "<td>" + std::to_string(group.backends) + "</td><td>" +
          std::to_string(group.incidents.size()) + "</td><td><code>" +
          html_escaped(text::join(group.causes)) + "</code>";
  if (!group.signature.empty()) html += "<br><small>" + html_escaped(group.signature) + "</small>";
  return html + "</td><td>" + bars_of(group, now, kLastDay) + "</td><td>" +
         bars_of(group, now, kLastWeek) + "</td></tr>\n";
}

}  // namespace

std::string fingerprint_page(const FingerprintGroup& group, std::int64_t now) {
  const Incident& incident = telling(group);
  std::string html = page_begin("Fingerprint " + group.id, "../");
  html += "<h1>Fingerprint " + html_escaped(group.id) + "</h1>\n" + counts_html(group, now);
  html += verdict_html(incident) + release_html(incident);
  html += section("about", "What it is", about_html(group));
  html +=
      section("incidents", "Incidents", incident_table(group.incidents, kRows, "../incidents/"));
  html += "<p>The evidence below is that of " + link("../incidents/" + incident.id, incident.id) +
          ".</p>\n";
  html += evidence_html(incident);
  return html + page_end({{"../api/v1/fingerprints/" + group.id, "as JSON"}});
}

std::string fingerprint_table(
    const std::vector<FingerprintGroup>& groups,
    std::size_t limit,
    const std::string& folder,
    std::int64_t now
) {
  std::string rows;
  const std::size_t shown = std::min(groups.size(), limit);
  for (std::size_t i = 0; i < shown; ++i)
    rows += row(groups[i], folder, now);
  std::string html = table(
      "Fingerprints",
      {"Fingerprint", "Open now", "Kept", "Cause", "Last 24 hours", "Last 7 days"},
      rows
  );
  if (shown < groups.size())
    html += "<p>and " + std::to_string(groups.size() - shown) + " more</p>\n";
  return html;
}

}  // namespace pghang
