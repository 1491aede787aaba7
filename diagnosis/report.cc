#include "diagnosis/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "diagnosis/report_descriptor.h"
#include "diagnosis/report_stack.h"
#include "diagnosis/report_trace.h"
#include "diagnosis/report_waits.h"
#include "diagnosis/report_writer.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/server_version.h"
#include "diagnosis/signal_names.h"
#include "diagnosis/text.h"
#include "diagnosis/wait_event_names.h"

namespace pghang {
namespace {

std::string gate_words(Gate gate) {
  switch (gate) {
    case Gate::none: return {};
    case Gate::delivery: return "gate 1, delivery";
    case Gate::handler: return "gate 2, handler";
    case Gate::service: return "gate 3, service";
    case Gate::exit: return "past the gates, in its exit";
  }
  return {};
}

std::string seconds_of(Micros age) {
  return text::seconds(static_cast<double>(age.count()) / 1e6);
}

void write_verdict(const Evidence& evidence, const Verdict& verdict, ReportWriter& out) {
  const Capture& capture = evidence.capture;
  const std::string gate = gate_words(verdict.gate);
  out.heading(
      std::string(to_string(verdict.cause)) + " (" + (gate.empty() ? "" : gate + "; ") +
      to_string(verdict.confidence) + ")"
  );
  out.paragraph(verdict.summary);
  if (!verdict.detail.empty()) out.field("evidence", verdict.detail);
  out.field(
      "captured",
      pid_words(capture.key.pid, server_pid(capture)) + ", " + text::utc(capture.captured_at_micros)
  );
}

void write_release(const Verdict& verdict, ReportWriter& out) {
  out.heading(verdict.cause == Cause::unknown ? "What to do" : "What would free it");
  int number = 0;
  for (const ReleaseStep& step : verdict.release) {
    out.item(std::to_string(++number) + ".", step.step);
    out.item("", "price: " + step.price);
  }
}

void write_signature(const SignatureMatch& match, ReportWriter& out) {
  const char* const heading = match.claim == BugClaim::known      ? "Known bug ("
                              : match.claim == BugClaim::possible ? "Known bug, perhaps ("
                                                                  : "Known cause (";
  out.heading(heading + std::string(to_string(match.confidence)) + ")");
  out.paragraph(text::printable(match.title) + ".");
  out.field("versions", match.text);
  out.field("advice", text::printable(match.advice));
  out.field("signature", match.id);
  out.field("references", text::printable(text::join(match.references, "; ")));
}

std::string session_words(const Activity& activity) {
  std::vector<std::string> words = {activity.backend_type};
  const auto add = [&words](const char* name, const auto& value) {
    if (value && !value->empty())
      words.push_back(std::string(name) + " " + text::printable(*value));
  };
  add("user", activity.user);
  add("database", activity.database);
  add("application", activity.application_name);
  add("from", activity.client_address);
  if (activity.leader_pid) words.push_back("leader " + std::to_string(*activity.leader_pid));
  return text::join(words);
}

std::string state_words(const Activity& activity) {
  std::vector<std::string> words;
  if (activity.state)
    words.push_back(
        *activity.state +
        (activity.state_age ? " for " + seconds_of(*activity.state_age) : std::string())
    );
  if (activity.query_age) words.push_back("query " + seconds_of(*activity.query_age));
  if (activity.xact_age) words.push_back("transaction " + seconds_of(*activity.xact_age));
  if (activity.wait_event_type && activity.wait_event)
    words.push_back("wait event " + *activity.wait_event_type + "/" + *activity.wait_event);
  return text::join(words);
}

void write_session(const Activity& activity, ReportWriter& out) {
  out.field("session", session_words(activity));
  out.field("state", state_words(activity));
  out.field("query", text::printable(activity.query));
}

/// What of the process is its own: pid, paths, addresses.
std::string container_words(const Capture& capture) {
  std::vector<std::string> words;
  const std::string pid = std::to_string(capture.key.pid);
  if (counts_apart(capture))
    words.push_back(
        "pid " + std::to_string(server_pid(capture)) + " there and in SQL, " + pid + " on this host"
    );
  if (capture.other_namespaces.mount) words.push_back("its paths are below /proc/" + pid + "/root");
  if (capture.other_namespaces.network) words.emplace_back("network of its own");
  return text::join(words, "; ");
}

std::string oom_words(const OomScore& oom) {
  if (oom.adjustment == 0) return {};
  const std::string words = "oom_score_adj " + std::to_string(oom.adjustment) + ", oom_score " +
                            std::to_string(oom.score) +
                            ": when memory runs out the kernel ends it ";
  return words + (oom.adjustment > 0 ? "sooner than others" : "later than others");
}

void write_backend(const Evidence& evidence, ReportWriter& out) {
  const Capture& capture = evidence.capture;
  out.heading("Backend");
  out.field("process", text::printable(capture.title.empty() ? capture.comm : capture.title));
  out.field("container", container_words(capture));
  if (capture.oom) out.field("memory", oom_words(*capture.oom));
  if (evidence.activity) write_session(*evidence.activity, out);
  if (const std::string version = server_version(evidence); !version.empty())
    out.field(
        "server",
        "PostgreSQL " + version + (evidence.server ? "" : ", as its executable says")
    );
}

std::string at_least_words(const Syscall& call) {
  if (call.at_least_seconds <= 0) return {};
  std::string words = ", for at least " + text::seconds(call.at_least_seconds);
  if (call.at_least_source == kFromSamples) words += " (in all samples)";
  if (call.at_least_source == kFromCounters)
    words += " (not one context switch since an earlier capture)";
  return words;
}

void write_place(const Capture& capture, ReportWriter& out) {
  out.heading("Where it is");
  if (capture.syscall) {
    const Syscall& call = *capture.syscall;
    out.field("system call", text::printable(call.text) + at_least_words(call));
    write_descriptors(call, out);
  }
  if (capture.wchan != "0") out.field("wchan", capture.wchan);
  if (capture.tracer) out.field("tracer", process_words(*capture.tracer));
  out.field("children", processes_words(capture.children));
}

void write_flags(const Evidence& evidence, ReportWriter& out) {
  const InterruptFlags& flags = evidence.capture.samples.back().flags;
  std::vector<std::string> set;
  std::vector<std::string> zero;
  const auto add = [&](const char* name, const std::optional<std::int64_t>& value) {
    if (!value) return;
    if (*value == 0) {
      zero.emplace_back(name);
    } else {
      set.push_back(std::string(name) + "=" + std::to_string(*value));
    }
  };
  add("InterruptPending", flags.interrupt_pending);
  add("ProcDiePending", flags.proc_die_pending);
  add("QueryCancelPending", flags.query_cancel_pending);
  add("InterruptHoldoffCount", flags.interrupt_holdoff_count);
  add("QueryCancelHoldoffCount", flags.query_cancel_holdoff_count);
  add("CritSectionCount", flags.crit_section_count);
  add("proc_exit_inprogress", flags.proc_exit_inprogress);
  add("ClientAuthInProgress", flags.client_auth_in_progress);
  add("ShutdownRequestPending", flags.shutdown_request_pending);
  out.heading("PostgreSQL's flags");
  out.field("set", text::join(set, " "));
  out.field("zero", text::join(zero, " "));
  out.field("wait event", wait_event_in_memory(evidence));
}

void write_latest_sample(const Evidence& evidence, ReportWriter& out) {
  const Sample& sample = evidence.capture.samples.back();
  write_flags(evidence, out);
  out.heading("Signals");
  const auto set = [&out](const char* name, std::uint64_t signals) {
    const auto names = signal_names(signals);
    out.field(name, names.empty() ? "none" : text::join(names, " "));
  };
  set("pending", sample.signals.pending_thread | sample.signals.pending_process);
  set("blocked", sample.signals.blocked);
  set("ignored", sample.signals.ignored);
  set("caught", sample.signals.caught);
}

void write_missing(const Evidence& evidence, bool has_fingerprint, ReportWriter& out) {
  const Capture& capture = evidence.capture;
  out.heading("Not available");
  for (const Missing& entry : capture.missing)
    out.field(
        entry.evidence,
        text::printable(entry.error) + (entry.needs.empty() ? "" : "; needs " + entry.needs)
    );
  out.field("wait_event", no_wait_event_because(evidence));
  if (!has_fingerprint && !has_ended(capture))
    out.field("fingerprint", text::printable(no_fingerprint_because(capture.stack)));
}

void write_fingerprint(const Fingerprint& fingerprint, ReportWriter& out) {
  out.heading("Fingerprint");
  std::array<char, 8> percent{};
  std::snprintf(percent.data(), percent.size(), "%.0f %%", fingerprint.quality * 100);
  out.field(
      "stable",
      fingerprint.stable + " (algorithm " + std::to_string(fingerprint.algorithm) + "; " +
          percent.data() + " of the frames have an exported name)"
  );
  out.field("exact", fingerprint.exact);
  out.field("text", text::printable(fingerprint.text));
}

void write_report(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint,
    const WaitGraph* waits,
    ReportWriter& out
) {
  const Capture& capture = evidence.capture;
  write_verdict(evidence, verdict, out);
  write_release(verdict, out);
  if (verdict.signature) write_signature(*verdict.signature, out);
  if (waits != nullptr) write_waits(*waits, server_pid(capture), out);
  write_backend(evidence, out);
  if (!has_ended(capture)) {
    write_place(capture, out);
    if (!capture.samples.empty()) write_latest_sample(evidence, out);
    write_stacks(capture, out);
    write_samples(evidence, out);
    if (evidence.trace) write_trace(*evidence.trace, out);
  }
  write_missing(evidence, fingerprint.has_value(), out);
  if (fingerprint) write_fingerprint(*fingerprint, out);
}

std::string incident_end(const Incident& incident) {
  if (!incident.resolved_at_micros) return "not yet";
  const Micros took(*incident.resolved_at_micros - incident.opened_at_micros);
  return text::utc(*incident.resolved_at_micros) + ", " +
         (incident.outcome ? to_string(*incident.outcome) : "resolved") + " after " +
         seconds_of(took);
}

}  // namespace

std::string render_report(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
) {
  ReportWriter out;
  const std::optional<WaitGraph> waits = wait_graph_of(evidence, verdict);
  write_report(evidence, verdict, fingerprint, waits ? &*waits : nullptr, out);
  return out.take();
}

std::string render_incident(const Incident& incident) {
  ReportWriter out;
  out.heading("Incident " + incident.id + ": " + to_string(incident.stage));
  out.field("rule", incident.rule + " on " + incident.target);
  out.field("opened", text::utc(incident.opened_at_micros));
  out.field("ended", incident_end(incident));
  out.heading("Timeline");
  for (const TimelineEntry& entry : incident.timeline)
    out.field(
        "+" + seconds_of(Micros(entry.at_micros - incident.opened_at_micros)),
        std::string(to_string(entry.stage)) +
            (entry.note.empty() ? "" : ": " + text::printable(entry.note))
    );
  if (incident.evidence && incident.verdict) {
    write_report(
        *incident.evidence,
        *incident.verdict,
        incident.fingerprint,
        incident.wait_graph.get(),
        out
    );
  } else {
    out.heading("Backend");
    out.field("pid", std::to_string(incident.backend.pid));
    write_session(incident.activity, out);
    out.field("no capture", text::printable(incident.capture_error));
    if (incident.wait_graph) write_waits(*incident.wait_graph, incident.backend.pid, out);
  }
  return out.take();
}

}  // namespace pghang
