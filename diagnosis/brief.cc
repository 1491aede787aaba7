#include "diagnosis/brief.h"

#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/quotes.h"
#include "diagnosis/server_pid.h"

namespace pghang {
namespace {

/// Its state and its place say more of these than their own explanation: it was not captured for
/// being stuck itself.
bool says_little(Cause cause) {
  return cause == Cause::not_stuck || cause == Cause::signal_ignored || cause == Cause::unknown;
}

}  // namespace

Evidence brief_evidence(const ClusterProcess& process) {
  Evidence evidence;
  Capture& capture = evidence.capture;
  capture.key = process.key;
  capture.ns_pid = process.ns_pid;
  capture.postgres = true;
  capture.comm = "postgres";
  capture.title = process.title;
  capture.wchan = process.wchan;
  capture.syscall = process.syscall;
  capture.tracer = process.tracer;
  capture.samples = {process.sample};
  return evidence;
}

Brief brief_of(const ClusterProcess& process) {
  const Evidence evidence = brief_evidence(process);
  const Facts facts = facts_of(evidence);
  const Verdict verdict = diagnose(evidence);
  Brief brief{
      .pid = process.key.pid,
      .server_pid = server_pid(process),
      .kind = facts.kind,
      .words = verdict.summary,
      .step = {}};
  if (says_little(verdict.cause)) {
    brief.words = "The " + facts.kind + " " + place_of(evidence, facts).phrase + " (" +
                  quote_states(evidence) + ").";
  } else if (!verdict.release.empty()) {
    brief.step = verdict.release.front();
  }
  if (brief.step.step.empty())
    brief.step = {
        with_other_pid("pghangd diagnose " + std::to_string(brief.pid), evidence.capture),
        "none"};
  return brief;
}

}  // namespace pghang
