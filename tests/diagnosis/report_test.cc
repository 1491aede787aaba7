#include "diagnosis/report.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/diagnosis/hangs.h"

/// Whole reports against tests/diagnosis/golden/; PGHANG_REGENERATE=1 writes them anew.
namespace pghang {
namespace {

using tests::Given;

std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(PGHANG_SOURCE_DIR) / "tests/diagnosis/golden" / (name + ".txt");
}

void expect_golden(const std::string& name, const std::string& text) {
  const auto path = golden_path(name);
  if (std::getenv("PGHANG_REGENERATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    std::ofstream(path) << text;
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "see " << path;
}

std::string report(const Given& given) {
  const Evidence& evidence = given.evidence();
  return render_report(evidence, diagnose(evidence), fingerprint(evidence.capture.stack));
}

Incident incident_of(const Given& given) {
  const std::int64_t opened = given.evidence().capture.captured_at_micros;
  Incident incident;
  incident.id = "20261122T151203Z-4711";
  incident.target = "main";
  incident.rule = "long-copy";
  incident.backend.pid = 4711;
  incident.stage = Stage::resolved;
  incident.outcome = Outcome::self_resolved;
  incident.opened_at_micros = opened;
  incident.resolved_at_micros = opened + 724'000'000;
  incident.timeline = {
      {Stage::matched, opened, ""},
      {Stage::cancel_sent, opened + 120'000, "cancel accepted"},
      {Stage::terminate_sent, opened + 30'240'000, "terminate accepted"},
      {Stage::unresponsive, opened + 60'410'000, ""},
      {Stage::resolved, opened + 724'000'000, "the backend is gone"}};
  incident.activity.key.pid = 4711;
  incident.activity.backend_type = "client backend";
  incident.activity.query = "COPY t FROM ?";
  return incident;
}

TEST(Report, ShowsWhereInTheSourceAFrameIs) {
  Evidence evidence = tests::copy_from_fifo().evidence();
  std::vector<Frame>& frames = evidence.capture.stack.frames;
  Frame inlined = frames[2];
  inlined.function = "open_it";
  inlined.inlined = true;
  inlined.file = "/usr/src/copy.h";
  inlined.line = 12;
  frames[2].file = "./build/../src/backend/storage/file/fd.c";
  frames[2].line = 2587;
  frames.insert(frames.begin() + 2, inlined);
  const Verdict verdict = diagnose(evidence);
  const std::string text = render_report(evidence, verdict, fingerprint(evidence.capture.stack));
  for (const char* line :
       {"  #2    open_it                                      (inlined)                copy.h:12\n",
        "  #3    AllocateFile                                 postgres+0x3000          "
        "fd.c:2587\n"})
    EXPECT_NE(text.find(line), std::string::npos) << text;
}

TEST(Report, IsDiagnosedAlikeWithAndWithoutInlinedFrames) {
  Evidence evidence = tests::python_loop().evidence();
  const Verdict verdict = diagnose(evidence);
  std::vector<Frame>& frames = evidence.capture.stack.frames;
  Frame inlined = frames.front();
  inlined.function = "ProcessInterrupts";
  inlined.exported = false;
  inlined.inlined = true;
  frames.insert(frames.begin(), inlined);
  EXPECT_EQ(diagnose(evidence), verdict);
}

TEST(ReportGolden, CopyFromAFifo) {
  expect_golden("copy_from_fifo", report(tests::copy_from_fifo()));
}

TEST(ReportGolden, TraceByPtrace) {
  Evidence evidence = tests::copy_from_fifo().evidence();
  SyscallTrace& trace = evidence.trace.emplace();
  trace.method = TraceMethod::ptrace;
  trace.asked_seconds = 2;
  trace.seconds = 1.31;
  trace.end = TraceEnd::stops;
  trace.calls = {
      {17, "pread64", 3'000, 1'200'345, 33'400, {{"EINTR", 12}, {"EIO", 1}}},
      {110, "getppid", 6'000, 4'200, 31.5, {}},
      {39, "getpid", 2, 0.4, 0.3, {}}};
  trace.unfinished = UnfinishedCall{257, "openat", 0.75};
  trace.no_perf = "perf_event_open: Permission denied (needs CAP_PERFMON)";
  trace.stops = 20'000;
  trace.held_micros = 240'000;
  trace.longest_held_micros = 310;
  trace.interrupted = "openat";
  trace.signals = 1;
  trace.threads = 4;
  trace.state_after = ProcessState::sleeping;
  expect_golden("trace_by_ptrace", render_report(evidence, diagnose(evidence), std::nullopt));
}

TEST(ReportGolden, TraceByPerfOfOneThatWaits) {
  Evidence evidence = tests::copy_from_fifo().evidence();
  SyscallTrace& trace = evidence.trace.emplace();
  trace.method = TraceMethod::perf;
  trace.seconds = 2;
  trace.unfinished = UnfinishedCall{257, "openat", 2};
  trace.state_after = ProcessState::sleeping;
  expect_golden("trace_by_perf", render_report(evidence, diagnose(evidence), std::nullopt));
}

TEST(ReportGolden, Zombie) {
  Evidence evidence;
  evidence.capture.key = {.pid = 4711, .start_ticks = 100};
  evidence.capture.captured_at_micros = 1'795'360'323'000'000;
  evidence.capture.comm = "postgres";
  evidence.capture.ppid = 4000;
  evidence.capture.ns_pid = 4711;
  evidence.capture.parent = RelatedProcess{4000, "postgres", ProcessState::stopped, ""};
  evidence.capture.samples.emplace_back().state = ProcessState::zombie;
  expect_golden("zombie", render_report(evidence, diagnose(evidence), std::nullopt));
}

TEST(ReportGolden, PythonLoop) {
  expect_golden("python_loop", report(tests::python_loop()));
}

TEST(ReportGolden, SeedWorker) {
  expect_golden("seed_worker", report(tests::seed_worker()));
}

TEST(ReportGolden, KnownBug) {
  Evidence evidence = tests::seed_worker().evidence();
  evidence.server = ServerInfo{
      .version_num = 100'004,
      .version = "10.4",
      .system_identifier = "",
      .in_recovery = false};
  const SignatureCatalogue catalogue(shipped_signatures().signatures);
  expect_golden(
      "known_bug",
      render_report(evidence, diagnose(evidence, catalogue), fingerprint(evidence.capture.stack))
  );
}

TEST(ReportGolden, SeedLeader) {
  expect_golden("seed_leader", report(tests::seed_leader()));
}

TEST(ReportGolden, FrozenFileSystem) {
  expect_golden("frozen_file_system", report(tests::frozen_file_system()));
}

TEST(ReportGolden, WaitForAClient) {
  expect_golden(
      "wait_for_client",
      report(Given().in_call(tests::wait_for_client()).capture([](Capture& c) {
        c.oom = OomScore{1334, 500};
        c.syscall->members_left_out = 2;
      }))
  );
}

TEST(ReportGolden, FileLock) {
  FdTarget fd = tests::descriptor(8, FdKind::file, "/srv/lock");
  fd.mount = "/srv";
  fd.fs_type = "fuse.sshfs";
  fd.device = "host:/srv";
  fd.servers = {{812, "sshfs", ProcessState::sleeping, ""}};
  fd.fuse_connection = 45;
  fd.detail = "1 request waits for an answer";
  fd.lock = "POSIX WRITE 0-99";
  fd.peers = {{4801, "backup", ProcessState::stopped, ""}};
  expect_golden("file_lock", report(Given().die_pending().in_call(tests::call_on("fcntl", fd))));
}

TEST(ReportGolden, MissingEvidence) {
  expect_golden(
      "missing_evidence",
      report(Given()
                 .flags_missing("Operation not permitted", "CAP_SYS_PTRACE")
                 .capture([](Capture& c) {
                   c.missing.push_back({"kernel_stack", "Permission denied", "CAP_SYS_ADMIN"});
                   c.stack.stop_reason = "no unwind table";
                 }))
  );
}

TEST(ReportGolden, GoneProcess) {
  expect_golden("gone", report(Given().capture([](Capture& c) { c.gone = true; })));
}

TEST(ReportGolden, ResolvedIncident) {
  Incident incident = incident_of(tests::copy_from_fifo());
  incident.evidence = tests::copy_from_fifo().evidence();
  incident.verdict = diagnose(*incident.evidence);
  incident.fingerprint = fingerprint(incident.evidence->capture.stack);
  expect_golden("incident", render_incident(incident));
}

TEST(ReportGolden, OpenIncidentWithoutACapture) {
  Incident incident = incident_of(Given());
  incident.stage = Stage::unresponsive;
  incident.outcome.reset();
  incident.resolved_at_micros.reset();
  incident.timeline.pop_back();
  incident.capture_error = "timeout: the helper did not answer within 2 s";
  expect_golden("incident_without_capture", render_incident(incident));
}

TEST(Report, FitsAHundredColumns) {
  for (const Given& given :
       {tests::copy_from_fifo(),
        tests::python_loop(),
        tests::seed_worker(),
        tests::seed_leader(),
        tests::frozen_file_system()}) {
    std::istringstream lines(report(given));
    for (std::string line; std::getline(lines, line);) {
      const auto width = std::ranges::count_if(line, [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
      });
      EXPECT_LE(width, 100) << line;
    }
  }
}

TEST(Report, SaysWhereFramesOfADeepStackAreLeftOut) {
  const std::string text = report(tests::seed_worker().capture([](Capture& c) {
    c.stack.omitted = 4000;
    c.stack.omitted_after = 4;
  }));
  EXPECT_NE(text.find("  ... 4000 frames left out ...\n  #4004"), std::string::npos) << text;
  EXPECT_NE(text.find("#3    _bt_parallel_seize"), std::string::npos) << text;
  EXPECT_EQ(text.find("#4   "), std::string::npos) << text;
}

TEST(Report, MarksAFrameThatNoCallProves) {
  const auto marked = [](RecoveredBy way) {
    return report(tests::seed_worker().capture([way](Capture& c) {
      c.stack.frames[1].recovered_by = way;
    }));
  };
  EXPECT_NE(marked(RecoveredBy::direct_call).find("#1  * WaitEventSetWait"), std::string::npos);
  const std::string text = marked(RecoveredBy::indirect_call);
  EXPECT_NE(text.find("#1  ? WaitEventSetWait"), std::string::npos) << text;
  EXPECT_NE(text.find("? found by a scan of the stack; no call names it"), std::string::npos);
}

TEST(Report, EndsInOneNewline) {
  const std::string text = report(tests::seed_worker());
  EXPECT_TRUE(text.ends_with('\n'));
  EXPECT_FALSE(text.ends_with("\n\n"));
}

TEST(Report, LetsNoControlCharacterOfOthersThrough) {
  const std::string text = report(tests::copy_from_fifo()
                                      .in_call(tests::open_fifo("/x/\x1b[2Jy", "O_RDONLY"))
                                      .capture([](Capture& c) {
                                        c.title = "postgres: \x1b]0;x\x07";
                                        c.children = {{5, "\x1b", ProcessState::sleeping, ""}};
                                      })
                                      .activity([](Activity& a) {
                                        a.application_name = "\x1b[31m";
                                        a.query = "SELECT \"\x1b[0m\"";
                                      }));
  for (const char byte : text)
    EXPECT_TRUE(byte == '\n' || static_cast<unsigned char>(byte) >= 0x20U) << text;
}

}  // namespace
}  // namespace pghang
