#include "exporters/metrics/view_gauges.h"

#include <algorithm>
#include <utility>

#include "exporters/fingerprints.h"

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
  gauges.families["pghangd_enforcing"][{target.name}] = target.enforcing ? 1 : 0;
  for (const BreakerView& breaker : target.breakers)
    gauges.families["pghangd_breaker_open"][{target.name, breaker.rule}] = breaker.open ? 1 : 0;
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
void keep_largest(ViewGauges& gauges, const std::vector<FingerprintGroup>& fingerprints) {
  GaugeSeries& groups = gauges.families["pghangd_fingerprint_backends"];
  std::vector<std::pair<LabelValues, double>> ranked(groups.begin(), groups.end());
  std::ranges::stable_sort(ranked, std::ranges::greater{}, &std::pair<LabelValues, double>::second);
  if (ranked.size() > kFingerprintLimit) ranked.resize(kFingerprintLimit);
  groups = GaugeSeries(ranked.begin(), ranked.end());

  std::set<std::string> kept;
  for (const auto& [key, count] : groups)
    kept.insert(key[1]);
  for (const FingerprintGroup& group : fingerprints) {
    if (group.backends == 0) continue;
    if (kept.contains(group.id)) {
      const LabelValues key{group.id, fingerprint_label(group.text), group.signature};
      gauges.families["pghangd_fingerprint_info"][key] = 1;
    } else {
      gauges.dropped_fingerprints.insert(group.id);
    }
  }
}

/// Only what is certain of the release: an alert on it asks for an upgrade.
void add_known_bug(ViewGauges& gauges, const Incident& incident) {
  if (!incident.verdict || !incident.verdict->signature) return;
  const SignatureMatch& match = *incident.verdict->signature;
  if (match.claim != BugClaim::known || match.fixed_in.empty()) return;
  gauges.families["pghangd_known_bug_info"][{incident.target, match.id, match.fixed_in}] = 1;
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
        "pghangd_fingerprint_info",
        "pghangd_known_bug_info",
        "pghangd_enforcing",
        "pghangd_breaker_open"})
    gauges.families[family];
  for (const TargetView& target : view.targets)
    add_target(gauges, target);

  for (const Incident& incident : view.incidents) {
    if (incident.stage == Stage::resolved) continue;
    if (incident.stage == Stage::unresponsive) add_unresponsive(gauges, incident, now_micros);
    add_known_bug(gauges, incident);
    if (!incident.fingerprint) continue;
    const std::string& stable = incident.fingerprint->stable;
    gauges.families["pghangd_fingerprint_backends"]
                   [{incident.target, stable, cause_label(incident)}] += 1;
  }
  keep_largest(gauges, fingerprint_groups(view));
  return gauges;
}

}  // namespace pghang
