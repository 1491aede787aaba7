#include <chrono>
#include <utility>
#include <vector>

#include "daemon/chronicle/chronicle.h"
#include "daemon/service/logger.h"
#include "daemon/version.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/query_text.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/time_in_call.h"
#include "diagnosis/verdict.h"

namespace pghang {
namespace {

using Seconds = std::chrono::duration<double>;

/// Of one incident: a backend that changes its cause all the time must not fill the disk.
constexpr std::uint32_t kMaxBundles = 5;

}  // namespace

void Chronicle::captured(
    const std::string& target,
    escalation::SightingId sighting,
    Evidence evidence,
    std::chrono::steady_clock::duration took
) {
  Capture& capture = evidence.capture;
  metrics_.capture(
      capture.stack.method,
      capture.missing.empty() && capture.stack.complete ? "success" : "partial",
      capture.stack.held_micros / 1e6,
      Seconds(took).count()
  );
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr || capture.gone) return;
  if (incident->evidence) extend_time_in_call(incident->evidence->capture, capture);
  const Verdict verdict = diagnose(evidence, catalogue_);
  const std::optional<Fingerprint> print = fingerprint(capture.stack);
  std::vector<LogField> fields{
      {"target", target},
      {"pid", std::to_string(server_pid(evidence))},
      {"incident", incident->id},
      {"cause", to_string(verdict.cause)},
      {"gate", to_string(verdict.gate)},
      {"confidence", to_string(verdict.confidence)},
      {"summary", verdict.summary},
      {"method", to_string(capture.stack.method)},
      {"held_us", std::to_string(static_cast<long>(capture.stack.held_micros))}};
  if (counts_apart(capture)) fields.emplace_back("host_pid", std::to_string(capture.key.pid));
  if (capture.syscall) fields.emplace_back("syscall", capture.syscall->text);
  if (verdict.signature) {
    fields.emplace_back("signature", verdict.signature->id);
    if (!verdict.signature->text.empty()) fields.emplace_back("known_bug", verdict.signature->text);
  }
  if (print) {
    fields.emplace_back("fingerprint", print->stable);
    fields.emplace_back("stack", print->text);
  }
  const bool said_already = incident->verdict == verdict;
  const bool explained_already = incident->verdict && incident->verdict->cause == verdict.cause &&
                                 incident->verdict->explanation == verdict.explanation;
  if (!explained_already) save(*incident, evidence);
  incident->evidence = std::move(evidence);
  incident->evidence->capture.snapshot.clear();
  incident->verdict = verdict;
  incident->fingerprint = print;
  incident->capture_error.clear();
  if (!said_already) keep(*incident);
  if (said_already) {
    log_.debug("diagnosed", fields);
  } else {
    log_.info("diagnosed", fields);
  }
}

void Chronicle::save(Incident& incident, Evidence evidence) {
  if (!save_bundle_ || incident.bundles >= kMaxBundles) return;
  if (evidence.activity) evidence.activity->query = mask_query(evidence.activity->query);
  Bundle bundle;
  bundle.written_by = version();
  bundle.saved_at_micros = wall_clock_();
  bundle.incident = incident.id;
  bundle.target = incident.target;
  bundle.rule = incident.rule;
  bundle.evidence = std::move(evidence);
  ++incident.bundles;
  const std::string number = incident.bundles == 1 ? "" : "-" + std::to_string(incident.bundles);
  save_bundle_(incident.id + number, std::move(bundle));
}

void Chronicle::bundle_saved(const std::string& result, const std::string& context) {
  metrics_.bundle(result);
  if (result == "written") {
    last_bundle_error_.clear();
    log_.info("bundle_written", {{"file", context}});
  } else if (std::exchange(last_bundle_error_, result) != result) {
    log_.warn("bundle_lost", {{"result", result}, {"error", context}});  // once, not per bundle
  }
}

void Chronicle::capture_failed(
    const std::string& target,
    escalation::SightingId sighting,
    const Error& error,
    std::chrono::steady_clock::duration took
) {
  metrics_.capture(CaptureMethod::kernel_only, to_string(error.code), 0, Seconds(took).count());
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr) return;
  const std::string text = std::string(to_string(error.code)) + ": " + error.context;
  if (incident->capture_error != text) {
    log_.warn(
        "capture_failed",
        {{"target", target},
         {"pid", std::to_string(incident->backend.pid)},
         {"incident", incident->id},
         {"error", text}}
    );
  }
  const bool told = std::exchange(incident->capture_error, text) == text;
  if (!told) keep(*incident);
}

void Chronicle::no_local_process(
    const std::string& target,
    escalation::SightingId sighting,
    const std::string& why
) {
  Incident* incident = book_.find(target, sighting);
  if (incident == nullptr) return;
  const std::string text = "no local process: " + why;
  if (std::exchange(incident->capture_error, text) == text) return;
  log_.info(
      "not_captured",
      {{"target", target},
       {"pid", std::to_string(incident->backend.pid)},
       {"incident", incident->id},
       {"reason", text}}
  );
}

void Chronicle::located(
    const std::string& target,
    std::optional<bool> local,
    const std::string& why
) {
  TargetView& view = view_of(target);
  if (local == false && view.local != false) {
    log_.warn(
        "no_local_process",
        {{"target", target},
         {"reason", why},
         {"consequence", "its backends get the signals, and cannot be captured"}}
    );
  }
  view.local = local;
  view.not_local = why;
}

}  // namespace pghang
