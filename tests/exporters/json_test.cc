#include "exporters/json/json.h"

#include <cmath>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "exporters/json/json_text.h"
#include "tests/exporters/golden.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

namespace json = boost::json;
using std::string_literals::operator""s;

/// `a.b[].c` for every field there is.
void collect_paths(const json::value& value, const std::string& path, std::set<std::string>& out) {
  if (const json::object* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      const std::string name = path + (path.empty() ? "" : ".") + std::string(key);
      out.insert(name);
      collect_paths(member, name, out);
    }
  }
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array)
      collect_paths(element, path + "[]", out);
  }
}

std::set<std::string> paths_of(const std::string& document) {
  std::set<std::string> paths;
  collect_paths(json::parse(document), "", paths);
  return paths;
}

void add_fields(
    std::set<std::string>& out,
    const std::string& prefix,
    const std::set<std::string>& names
) {
  for (const std::string& name : names)
    out.insert(prefix + name);
}

/// DESIGN section 7, typed from there: what is not collected yet (signature) is there too.
/// `activity` has no field list in the contract.
std::set<std::string> contract_paths() {
  std::set<std::string> paths;
  add_fields(
      paths,
      "",
      {"schema_version",
       "pid",
       "start_ticks",
       "captured_at",
       "missing",
       "server",
       "backend",
       "process",
       "interrupts",
       "syscall",
       "stack",
       "kernel_stack",
       "samples",
       "trace",
       "verdict",
       "fingerprint",
       "wait_graph"}
  );
  add_fields(paths, "missing[].", {"evidence", "error", "needs"});
  add_fields(paths, "server.", {"version", "system_identifier", "postmaster_pid"});
  add_fields(paths, "backend.", {"type", "leader_pid", "activity"});
  add_fields(
      paths,
      "process.",
      {"comm",
       "state",
       "ppid",
       "ns_pid",
       "wchan",
       "cpu_seconds",
       "voluntary_switches",
       "involuntary_switches",
       "io",
       "pending_signals",
       "blocked_signals",
       "ignored_signals",
       "caught_signals",
       "tracer",
       "frozen",
       "oom_score",
       "oom_score_adj",
       "children"}
  );
  add_fields(paths, "process.io.", {"rchar", "wchar", "read_bytes", "write_bytes"});
  add_fields(paths, "process.tracer.", {"pid", "comm", "state"});
  add_fields(paths, "process.children[].", {"pid", "comm", "state"});
  add_fields(
      paths,
      "interrupts.",
      {"interrupt_pending",
       "query_cancel_pending",
       "proc_die_pending",
       "interrupt_holdoff_count",
       "query_cancel_holdoff_count",
       "crit_section_count",
       "proc_exit_inprogress",
       "client_auth_in_progress",
       "wait_event"}
  );
  add_fields(
      paths,
      "syscall.",
      {"number", "name", "args", "text", "at_least_seconds", "at_least_source", "fd", "polled"}
  );
  for (const char* descriptor : {"syscall.fd.", "syscall.fd.members[]."})
    add_fields(paths, descriptor, {"number",          "kind",     "target",  "detail",
                                   "events",          "mount",    "fs_type", "device",
                                   "block_device",    "backing",  "servers", "servers_certain",
                                   "fuse_connection", "protocol", "local",   "remote",
                                   "socket_state",    "queues",   "lock",    "deleted",
                                   "members",         "peers"});
  add_fields(paths, "syscall.fd.queues.", {"receive", "send"});
  for (const char* processes : {"syscall.fd.peers[].", "syscall.fd.servers[]."})
    add_fields(paths, processes, {"pid", "comm", "state", "address"});
  add_fields(
      paths,
      "stack.",
      {"method", "held_us", "complete", "stop_reason", "frames", "omitted", "torn_copies"}
  );
  add_fields(paths, "stack.omitted.", {"after_index", "count"});
  add_fields(
      paths,
      "stack.frames[].",
      {"address",
       "function",
       "exported",
       "demangled",
       "module",
       "offset",
       "build_id",
       "fde_start",
       "kind",
       "recovered",
       "recovered_by",
       "inlined",
       "file",
       "line"}
  );
  add_fields(
      paths,
      "samples.",
      {"count",
       "distinct",
       "stops",
       "held_us",
       "cpu_seconds",
       "switches",
       "read_bytes",
       "write_bytes",
       "moving"}
  );
  add_fields(
      paths,
      "trace.",
      {"method",
       "asked_seconds",
       "seconds",
       "ended_by",
       "calls",
       "unfinished",
       "stops",
       "held_us",
       "longest_held_us",
       "interrupted",
       "no_perf",
       "signals",
       "threads",
       "lost",
       "state_after",
       "tracer_after"}
  );
  add_fields(
      paths,
      "trace.calls[].",
      {"number", "name", "calls", "total_us", "per_call_us", "longest_us", "share", "errors"}
  );
  add_fields(paths, "trace.calls[].errors[].", {"name", "count"});
  add_fields(paths, "trace.unfinished.", {"number", "name", "seconds"});
  add_fields(paths, "fingerprint.", {"stable", "exact", "text", "algorithm", "quality"});
  add_fields(
      paths,
      "verdict.",
      {"cause", "gate", "explanation", "summary", "detail", "release", "confidence", "signature"}
  );
  add_fields(
      paths,
      "wait_graph.",
      {"nodes", "edges", "root", "cycle", "summary", "release", "dropped"}
  );
  add_fields(
      paths,
      "wait_graph.nodes[].",
      {"id", "kind", "pid", "host_pid", "name", "state", "unresponsive", "waiters"}
  );
  add_fields(paths, "wait_graph.edges[].", {"from", "to", "kind", "detail", "inferred"});
  add_fields(paths, "verdict.release[].", {"step", "price"});
  add_fields(
      paths,
      "verdict.signature.",
      {"id", "title", "affected", "fixed_in", "text", "advice", "references", "confidence"}
  );
  return paths;
}

json::value parsed(const Evidence& evidence) {
  return json::parse(diagnosis_json(evidence, sample::verdict(), sample::fingerprint()));
}

TEST(DiagnosisJson, HasExactlyTheFieldsOfTheContract) {
  std::set<std::string> paths =
      paths_of(diagnosis_json(sample::evidence(), sample::verdict(), sample::fingerprint()));
  std::erase_if(paths, [](const std::string& path) {
    return path.starts_with("backend.activity.");
  });
  EXPECT_EQ(paths, contract_paths());
}

TEST(DiagnosisJson, EqualsTheGoldenFile) {
  expect_golden(
      "diagnosis.json",
      diagnosis_json(sample::evidence(), sample::verdict(), sample::fingerprint())
  );
}

TEST(DiagnosisJson, WhatIsUnknownIsNullAndKeepsItsName) {
  Evidence evidence;
  evidence.capture.key = {5, 6};
  evidence.capture.gone = true;
  const std::string document = diagnosis_json(evidence, Verdict{}, std::nullopt);
  expect_golden("diagnosis_gone.json", document);
  const std::set<std::string> paths = paths_of(document);
  for (const std::string& path : contract_paths()) {
    const bool inside_of_null =
        path.starts_with("server.") || path.starts_with("syscall.") ||
        path.starts_with("fingerprint.") || path.starts_with("process.io.") ||
        path.starts_with("process.tracer.") || path.starts_with("verdict.signature.") ||
        path.starts_with("stack.omitted.") || path.starts_with("wait_graph.") ||
        path.starts_with("trace.");
    const bool inside_of_empty = path.find("[]") != std::string::npos;
    if (inside_of_null || inside_of_empty) continue;
    EXPECT_TRUE(paths.contains(path)) << path;
  }
}

TEST(DiagnosisJson, ForeignBytesBecomeValidUtf8) {
  Evidence evidence = sample::evidence();
  evidence.capture.comm = "post\xFFgres";
  evidence.capture.syscall->path = "\xC3";
  evidence.capture.syscall->text = "open(\"\xC3\")";
  evidence.activity->query = "SELECT '\0\x80'"s;
  const json::value document = parsed(evidence);
  EXPECT_EQ(document.at_pointer("/process/comm").as_string(), "post\xEF\xBF\xBDgres");
  EXPECT_EQ(document.at_pointer("/syscall/text").as_string(), "open(\"\xEF\xBF\xBD\")");
}

TEST(DiagnosisJson, SamplesSayWhatChangedBetweenTheFirstAndTheLast) {
  Evidence evidence = sample::evidence();
  evidence.capture.samples[1] = evidence.capture.samples[0];
  evidence.capture.samples[1].cpu_nanos += 20'000'000;
  EXPECT_FALSE(parsed(evidence).at_pointer("/samples/moving").as_bool()) << "CPU alone";
  EXPECT_EQ(parsed(evidence).at_pointer("/samples/cpu_seconds").as_double(), 0.02);

  evidence.capture.samples[1].stack_id = 100;
  EXPECT_TRUE(parsed(evidence).at_pointer("/samples/moving").as_bool());
  EXPECT_EQ(parsed(evidence).at_pointer("/samples/distinct").as_int64(), 2);

  evidence.capture.samples[1].stack_id = 0;
  evidence.capture.samples[1].io.reset();
  EXPECT_EQ(parsed(evidence).at_pointer("/samples/distinct").as_int64(), 1) << "0 is no stack";
  EXPECT_TRUE(parsed(evidence).at_pointer("/samples/read_bytes").is_null());

  evidence.capture.samples.pop_back();
  EXPECT_TRUE(parsed(evidence).at_pointer("/samples/moving").is_null());
}

TEST(DiagnosisJson, AnAbsentFingerprintIsListedAsMissingWithItsReason) {
  const std::string document = diagnosis_json(sample::evidence(), sample::verdict(), std::nullopt);
  const json::value parsed_document = json::parse(document);
  EXPECT_TRUE(parsed_document.at("fingerprint").is_null());
  const json::array& missing = parsed_document.at("missing").as_array();
  EXPECT_EQ(missing.back().at("evidence").as_string(), "fingerprint");
  EXPECT_EQ(
      missing.back().at("error").as_string(),
      "only 2 exported functions on the user stack, too few to tell hangs apart"
  );
}

TEST(DiagnosisJson, ASignatureIsAffectedNotKnownOrNoBug) {
  Verdict verdict = sample::verdict();
  const auto affected = [&verdict](BugClaim claim) {
    verdict.signature->claim = claim;
    return json::parse(diagnosis_json(sample::evidence(), verdict, std::nullopt))
        .at_pointer("/verdict/signature/affected");
  };
  EXPECT_EQ(affected(BugClaim::known), json::value(true));
  EXPECT_EQ(affected(BugClaim::none), json::value(false));
  EXPECT_TRUE(affected(BugClaim::possible).is_null());
}

TEST(DiagnosisJson, NotWaitingIsAnEmptyWaitEventAndUnknownIsNull) {
  Evidence evidence = sample::evidence();
  evidence.capture.samples.back().flags.wait_event_info = 0;
  EXPECT_EQ(parsed(evidence).at_pointer("/interrupts/wait_event").as_string(), "");
  evidence.capture.samples.back().flags.wait_event_info.reset();
  EXPECT_TRUE(parsed(evidence).at_pointer("/interrupts/wait_event").is_null());
}

TEST(DiagnosisJson, ProcessAndInterruptsComeFromTheLastSample) {
  Evidence evidence = sample::evidence();
  evidence.capture.samples.back().state = ProcessState::stopped;
  evidence.capture.samples.back().flags.proc_die_pending = 0;
  EXPECT_EQ(parsed(evidence).at_pointer("/process/state").as_string(), "T");
  EXPECT_EQ(parsed(evidence).at_pointer("/interrupts/proc_die_pending").as_int64(), 0);
}

TEST(IncidentJson, EqualsTheGoldenFile) {
  expect_golden("incident.json", incident_json(sample::incident()));
}

TEST(IncidentJson, WithoutACaptureSaysWhy) {
  const json::value document = json::parse(incident_json(sample::resolved_incident()));
  EXPECT_TRUE(document.at("diagnosis").is_null());
  EXPECT_EQ(document.at("capture_error").as_string(), "worker restarted");
  EXPECT_EQ(document.at("outcome").as_string(), "cancelled");
}

/// What incident.json, of a hang in one call, has no example of.
Incident deadlocked() {
  Incident incident = sample::incident();
  incident.stage = Stage::resolved;
  incident.outcome = Outcome::terminated;
  incident.resolved_at_micros = sample::kNow;
  incident.signals = {
      {"cancel", sample::kNow - 90'000'000, 0.005, 0.02, 0.5},
      {"terminate", sample::kNow, std::nullopt, std::nullopt, std::nullopt}};
  incident.capture_error = "worker restarted";
  incident.activity.query_id = -3'416'356'442'043'621'232;
  incident.activity.xmin_age = 12;
  WaitGraph graph;
  graph.cycle = {"pid:4711", "pid:4712"};
  graph.release = {{"SELECT pg_cancel_backend(4712)", "its statement ends"}};
  incident.wait_graph = std::make_shared<const WaitGraph>(graph);
  Capture& capture = incident.evidence->capture;
  capture.syscall->fd.reset();
  capture.stack.complete = false;
  capture.stack.stop_reason = "no unwind information";
  return incident;
}

TEST(IncidentJson, OfADeadlockEqualsTheGoldenFile) {
  expect_golden("incident_deadlocked.json", incident_json(deadlocked()));
}

TEST(IncidentsJson, OfOnePageEqualsTheGoldenFile) {
  const View view = sample::view();
  expect_golden(
      "incidents_page.json",
      incidents_json(list_incidents(view.incidents, {}, {1, std::nullopt}))
  );
}

TEST(BackendsJson, OfAnExemptOneEqualsTheGoldenFile) {
  View view = sample::view();
  BackendView& backend = view.targets[0].backends[0];
  backend.exemption = "protected";
  backend.protected_by = "nightly";
  backend.suppressed = "protected";
  backend.refused = "cancel: must be a superuser to cancel superuser query";
  view.targets[0].backends.pop_back();
  expect_golden("backends_exempt.json", backends_json(view));
}

TEST(IncidentsJson, EqualsTheGoldenFile) {
  const View view = sample::view();
  expect_golden("incidents.json", incidents_json(list_incidents(view.incidents)));
}

TEST(BackendsJson, EqualsTheGoldenFile) {
  expect_golden("backends.json", backends_json(sample::view()));
}

TEST(StatusJson, EqualsTheGoldenFile) {
  expect_golden("status.json", status_json(sample::view(), sample::kNow));
}

TEST(StatusJson, ATargetThatNeverAnsweredHasItsErrorAndNulls) {
  View view = sample::view();
  view.targets[0] = TargetView{};
  view.targets[0].name = "main";
  view.targets[0].dsn = "dbname=x";
  view.targets[0].error = "connection refused";
  const json::value document = json::parse(status_json(view, sample::kNow));
  EXPECT_EQ(document.at_pointer("/targets/0/error").as_string(), "connection refused");
  EXPECT_TRUE(document.at_pointer("/targets/0/server").is_null());
  EXPECT_TRUE(document.at_pointer("/targets/0/last_poll_at").is_null());
}

TEST(StatusJson, OfAPauseAndAServerThatIsDownEqualsTheGoldenFile) {
  View view = sample::view();
  view.revision = "0123456789ab+";
  view.pause = {true, sample::kNow, sample::kNow + 1, "uid 0", "disk swap", "no folder"};
  TargetView& target = view.targets[0];
  target.up = false;
  target.error = "connection refused";
  target.local = false;
  target.not_local = "10.0.0.7 is no address of this host";
  target.mode = "observe";
  target.other_daemon = "pid 7";
  target.server->timeline = 3;
  ServerProcessView process;
  process.pid = 4711;
  process.host_pid = 32701;
  process.title = "postgres: app shop";
  process.state = ProcessState::stopped;
  process.cancel_pending = true;
  process.terminate_pending = false;
  process.wait_event = "IPC/BtreePage";
  process.started_at_micros = sample::kNow;
  target.processes = {sample::kNow, "postmaster 4000 is stopped", 4000, {process, {}}};
  view.web_config =
      WebConfigView{"web.yml:3: tls_server_config.cert_file: no such file", 1'800'000'000};
  expect_golden("status_down.json", status_json(view, sample::kNow));
  const json::value document = json::parse(status_json(view, view.started_at_micros - 1));
  EXPECT_EQ(document.at("uptime_seconds").to_number<double>(), 0) << "the clock was set back";
  EXPECT_EQ(document.at("targets_up").as_int64(), 0);
}

TEST(BackendsJson, AreOnlyThoseThatTheFilterLetsThrough) {
  View view = sample::view();
  view.targets[0].backends[1].exemption = "superuser";
  const auto count = [&](const BackendFilter& filter) {
    return json::parse(backends_json(view, filter)).at("backends").as_array().size();
  };
  EXPECT_EQ(count({}), 2U);
  EXPECT_EQ(count({"main", "long_copy", std::nullopt, std::nullopt}), 2U);
  EXPECT_EQ(count({"other", "", std::nullopt, std::nullopt}), 0U);
  EXPECT_EQ(count({"", "other", std::nullopt, std::nullopt}), 0U);
  EXPECT_EQ(count({"", "", Stage::watching, std::nullopt}), 1U);
  EXPECT_EQ(count({"", "", Stage::watching, false}), 0U);
  EXPECT_EQ(count({"", "", Stage::watching, true}), 1U);
}

TEST(ErrorJson, QuotesItsMessage) {
  EXPECT_EQ(error_json("no \"such\"\n"), R"({"error": "no \"such\"\n"})");
}

TEST(JsonText, LongLinesAreBrokenAndShortOnesAreNot) {
  const json::value value{
      {"short", {1, 2, 3}},
      {"long", {std::string(60, 'a'), std::string(60, 'b')}},
      {"empty", json::array{}}};
  EXPECT_EQ(
      json_text(value),
      "{\n  \"short\": [1, 2, 3],\n  \"long\": [\n    \"" + std::string(60, 'a') + "\",\n    \"" +
          std::string(60, 'b') + "\"\n  ],\n  \"empty\": []\n}"
  );
}

TEST(JsonText, NumbersRoundTripAndNonFiniteOnesAreNull) {
  for (const double number : {0.1, 1e300, -2.5e-8, 12345678.25})
    EXPECT_EQ(json::parse(json_text(json_number(number))).to_number<double>(), number);
  EXPECT_EQ(json_text(json_number(1.5)), "1.5");
  EXPECT_TRUE(json_number(std::nan("")).is_null());
  EXPECT_TRUE(json_number(INFINITY).is_null());
  EXPECT_EQ(json_text(json::value(UINT64_MAX)), "18446744073709551615");
}

}  // namespace
}  // namespace pghang
