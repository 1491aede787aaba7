#include "exporters/pages/landing_page.h"

#include <algorithm>
#include <vector>

#include "exporters/fingerprints.h"
#include "exporters/pages/fingerprint_page.h"
#include "exporters/pages/incident_table.h"
#include "exporters/pages/matched_cards.h"
#include "exporters/pages/page.h"
#include "exporters/pages/server_list.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// A screen or two of each; the API has the rest.
constexpr std::size_t kCards = 30;
constexpr std::size_t kIncidents = 20;
constexpr std::size_t kFingerprints = 20;

std::size_t backends_of(const std::vector<MatchedGroup>& groups, bool hung) {
  std::size_t count = 0;
  for (const MatchedGroup& group : groups)
    count += group.hung == hung ? group.backends.size() : 0;
  return count;
}

std::string heading(std::size_t hung, std::size_t matched) {
  if (hung > 0) return counted(hung, "backend is hung", "backends are hung");
  if (matched > 0)
    return "Nothing is hung; " + counted(matched, "backend is matched", "backends are matched");
  return "Nothing is hung";
}

std::string cards_html(const std::vector<MatchedGroup>& groups, bool hung) {
  std::string html;
  std::size_t count = 0;
  for (const MatchedGroup& group : groups) {
    if (group.hung != hung) continue;
    if (++count <= kCards) html += matched_card(group);
  }
  if (count > kCards)
    html += "<p>and " + std::to_string(count - kCards) +
            " more cases: <a href=\"api/v1/backends\">all as JSON</a></p>\n";
  return html;
}

std::string recent_html(const View& view) {
  std::vector<const Incident*> incidents;
  for (const Incident& incident : view.incidents)
    incidents.push_back(&incident);
  return incident_table(incidents, kIncidents, "incidents/");
}

std::string links_html(const std::string& telemetry_path, const std::string& version) {
  std::vector<std::pair<std::string, std::string>> links;
  for (std::string path :
       {telemetry_path,
        std::string("/api/v1/status"),
        std::string("/api/v1/backends"),
        std::string("/api/v1/incidents"),
        std::string("/api/v1/fingerprints"),
        std::string("/api/v1/openapi.yaml"),
        std::string("/-/healthy"),
        std::string("/-/ready")}) {
    path.erase(0, path.find_first_not_of('/'));
    links.emplace_back(path, path);
  }
  return "<p class=\"version\">pghangd " + html_escaped(version) + "</p>\n" + page_end(links);
}

}  // namespace

std::string landing_page(const View& view, const std::string& telemetry_path, std::int64_t now) {
  const std::vector<MatchedGroup> groups = matched_groups(view);
  const std::size_t hung = backends_of(groups, true);
  const std::size_t matched = backends_of(groups, false);
  std::string html = page_begin(std::to_string(hung) + " hung", "");
  html += "<h1>" + heading(hung, matched) + "</h1>\n" + notices_html(view);
  if (groups.empty()) html += "<p>No backend is hung or matched by a rule.</p>\n";
  html += section("hung", "Hung", cards_html(groups, true));
  html += section("matched", "Matched by a rule", cards_html(groups, false));
  html += section("servers", "Servers", servers_html(view));
  html += section("recent", "Recent incidents", recent_html(view));
  html += section(
      "fingerprints",
      "Fingerprints",
      fingerprint_table(fingerprint_groups(view), kFingerprints, "fingerprints/", now)
  );
  return html + links_html(telemetry_path, view.version);
}

}  // namespace pghang
