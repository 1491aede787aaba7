#include "exporters/view_gauges.h"

#include <algorithm>
#include <utility>

namespace pghang {
namespace {

/// Enough to know a stack by; a longer label costs in every scrape.
constexpr std::size_t kTextLimit = 256;

std::string fingerprint_label(const std::string& text) {
  if (text.size() <= kTextLimit) return text;
  const std::size_t bar = text.rfind(" | ", kTextLimit);
  return text.substr(0, bar == std::string::npos ? kTextLimit : bar) + " | …";
}

void raise(double& value, double candidate) {
  value = std::max(value, candidate);
}

void add_target(ViewGauges& gauges, const TargetView& target) {
  gauges.families["pghangd_up"][{target.name}] = target.up ? 1 : 0;
  if (target.up) {
    if (target.blocked_backends)
      gauges.families["pghangd_blocked_backends"][{target.name}] =
          static_cast<double>(*target.blocked_backends);
    for (const StateCount& count : target.counts) {
      const std::string state = count.state.empty() ? "none" : count.state;
      gauges.families["pghangd_backends"][{target.name, state}] +=
          static_cast<double>(count.sessions);
    }
  }
  for (const BackendView& backend : target.backends) {
    const LabelValues key{target.name, backend.rule, to_string(backend.stage)};
    gauges.families["pghangd_matched_backends"][key] += 1;
    if (backend.stage == Stage::watching) continue;
    raise(
        gauges.families["pghangd_oldest_matched_seconds"][{target.name, backend.rule}],
        backend.matched_seconds
    );
  }
}

std::int64_t unresponsive_since(const Incident& incident) {
  const auto entry =
      std::ranges::find(incident.timeline, Stage::unresponsive, &TimelineEntry::stage);
  return entry == incident.timeline.end() ? incident.opened_at_micros : entry->at_micros;
}

void add_unresponsive(ViewGauges& gauges, const Incident& incident, std::int64_t now_micros) {
  const LabelValues key{incident.target, cause_label(incident)};
  const std::int64_t micros = std::max<std::int64_t>(now_micros - unresponsive_since(incident), 0);
  gauges.families["pghangd_unresponsive_backends"][key] += 1;
  raise(
      gauges.families["pghangd_unresponsive_seconds_max"][key],
      static_cast<double>(micros) / 1e6
  );
}

/// Keeps the largest groups; equal ones in label order, so that a scrape does not shuffle them.
void keep_largest(ViewGauges& gauges, const std::map<std::string, std::string>& texts) {
  GaugeSeries& groups = gauges.families["pghangd_fingerprint_backends"];
  std::vector<std::pair<LabelValues, double>> ranked(groups.begin(), groups.end());
  std::ranges::stable_sort(ranked, std::ranges::greater{}, &std::pair<LabelValues, double>::second);
  if (ranked.size() > kFingerprintLimit) ranked.resize(kFingerprintLimit);
  groups = GaugeSeries(ranked.begin(), ranked.end());

  std::set<std::string> kept;
  for (const auto& [key, count] : groups)
    kept.insert(key[1]);
  for (const auto& [fingerprint, text] : texts) {
    if (kept.contains(fingerprint)) {
      gauges.families["pghangd_fingerprint_info"][{fingerprint, text, ""}] = 1;
    } else {
      gauges.dropped_fingerprints.insert(fingerprint);
    }
  }
}

}  // namespace

std::string cause_label(const Incident& incident) {
  return to_string(incident.verdict ? incident.verdict->cause : Cause::unknown);
}

ViewGauges view_gauges(const View& view, std::int64_t now_micros) {
  ViewGauges gauges;
  for (const char* family :
       {"pghangd_up",
        "pghangd_backends",
        "pghangd_matched_backends",
        "pghangd_oldest_matched_seconds",
        "pghangd_unresponsive_backends",
        "pghangd_blocked_backends",
        "pghangd_unresponsive_seconds_max",
        "pghangd_fingerprint_backends",
        "pghangd_fingerprint_info"})
    gauges.families[family];
  for (const TargetView& target : view.targets)
    add_target(gauges, target);

  std::map<std::string, std::string> texts;
  for (const Incident& incident : view.incidents) {
    if (incident.stage == Stage::resolved) continue;
    if (incident.stage == Stage::unresponsive) add_unresponsive(gauges, incident, now_micros);
    if (!incident.fingerprint) continue;
    const std::string& stable = incident.fingerprint->stable;
    gauges.families["pghangd_fingerprint_backends"]
                   [{incident.target, stable, cause_label(incident)}] += 1;
    texts.emplace(stable, fingerprint_label(incident.fingerprint->text));
  }
  keep_largest(gauges, texts);
  return gauges;
}

}  // namespace pghang
