#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "diagnosis/quotes.h"
#include "diagnosis/scene.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/story.h"
#include "diagnosis/values_cluster.h"
#include "diagnosis/values_descriptor.h"

namespace pghang {
namespace {

std::string name_processes(const std::vector<RelatedProcess>& processes, pid_t self) {
  std::vector<std::string> names;
  for (const RelatedProcess& process : processes)
    if (process.pid != self) names.push_back(name_process(process));
  return text::join(names);
}

/// The entry of `missing` that keeps the decision from being made.
const Missing* decisive_missing(const Evidence& evidence, const Facts& facts) {
  const auto named = [&evidence](std::string_view name) -> const Missing* {
    const auto& missing = evidence.capture.missing;
    const auto found = std::ranges::find(missing, name, &Missing::evidence);
    return found == missing.end() ? nullptr : &*found;
  };
  if (facts.samples == 0 || !facts.state_known) return named("status");
  return named("interrupts");
}

void add_request(const Evidence& evidence, const Facts& facts, text::Values& values) {
  const bool cancel = facts.judged == Request::cancel;
  values["signal"] = cancel ? "cancel" : "terminate";
  values["signame"] = cancel ? "SIGINT" : "SIGTERM";
  values["asked"] =
      facts.judged == Request::none ? "was asked to stop" : "received the " + values["signal"];
  values["unserved"] = facts.exiting ? " while it exits itself"
                       : facts.judged == Request::none
                           ? ""
                           : " and has not served the " + values["signal"];
  values["serves"] = facts.signal_pending ? "serves the pending " + values["signame"]
                                          : "signals sent meanwhile are delivered";
  const Asked& asked = evidence.asked;
  const auto ago = cancel ? asked.cancel_accepted_ago : asked.terminate_accepted_ago;
  const auto grace = cancel ? asked.cancel_grace : asked.terminate_grace;
  if (ago) values["ago"] = text::seconds(static_cast<double>(ago->count()) / 1000);
  values["grace"] = text::seconds(static_cast<double>(grace.count()) / 1000);
}

void add_missing(const Evidence& evidence, const Facts& facts, text::Values& values) {
  const Missing* const missing = decisive_missing(evidence, facts);
  values["error"] = "no reason given";
  values["again"] = "Sample again: pghangd diagnose " + values["pid"];
  if (missing == nullptr) return;
  if (!missing->error.empty()) values["error"] = text::printable(missing->error);
  if (missing->needs.empty()) return;
  values["error"] += "; needs " + missing->needs;
  values["again"] = "Run again with " + missing->needs;
}

void add_tracer(const Capture& capture, text::Values& values) {
  const pid_t pid = capture.tracer            ? capture.tracer->pid
                    : capture.samples.empty() ? 0
                                              : capture.samples.back().tracer_pid;
  values["tracer_pid"] = std::to_string(pid);
  values["tracer"] = capture.tracer ? name_process(*capture.tracer)
                     : pid != 0     ? "a tracer (pid " + values["tracer_pid"] + ")"
                                    : "a tracer";
}

}  // namespace

text::Values values_of(const Evidence& evidence, const Facts& facts, const Place& place) {
  const Capture& capture = evidence.capture;
  text::Values values;
  values["pid"] = std::to_string(capture.key.pid);
  values["sql_pid"] = std::to_string(server_pid(evidence));
  values["ss"] = capture.other_namespaces.network ? "nsenter -n -t " + values["pid"] + " ss" : "ss";
  values["ppid"] = std::to_string(capture.ppid);
  values["parent"] =
      capture.parent ? name_process(*capture.parent) : host_pid_words(capture.ppid, capture);
  if (evidence.activity && evidence.activity->leader_pid)
    values["leader"] = std::to_string(*evidence.activity->leader_pid);
  values["kind"] = facts.kind;
  values["the"] = "the " + facts.kind;
  values["The"] = "The " + facts.kind;
  values["place"] = place.phrase;
  values["call"] = place.call;
  values["child"] = name_processes(capture.children, capture.key.pid);
  values["child_pids"] = pid_list(capture.children, capture.key.pid);
  const std::string samples = std::to_string(facts.samples);
  values["samples"] = facts.samples == 1 ? "the one sample" : "any of " + samples + " samples";
  values["held"] =
      capture.samples.empty() ? "" : quote_holding(capture.samples.back(), facts.judged);
  values["io"] = quote_io(evidence);
  add_request(evidence, facts, values);
  add_missing(evidence, facts, values);
  add_descriptor_values(capture, values);
  add_tracer(capture, values);
  values["language"] = procedural_language(place.modules);
  values["module"] = place.modules.substr(0, place.modules.find(' '));
  if (!capture.samples.empty() && capture.samples.back().flags.postmaster_pid)
    values["postmaster"] = std::to_string(*capture.samples.back().flags.postmaster_pid);
  add_cluster_values(evidence, values);
  return values;
}

}  // namespace pghang
