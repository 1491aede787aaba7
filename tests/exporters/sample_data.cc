#include "tests/exporters/sample_data.h"

#include <csignal>

namespace pghang::sample {
namespace {

constexpr pid_t kPid = 4711;
/// On the host: the server runs in a container.
constexpr pid_t kHostPid = 32701;
constexpr std::int64_t kSecond = 1'000'000;

PgTimestamp before(std::int64_t seconds) {
  return {kNow - kPgEpochUnixMicros - seconds * kSecond};
}

constexpr std::uint64_t signal_set(int signal) {
  return 1ULL << static_cast<unsigned>(signal - 1);
}

Sample sample_at(std::int64_t at_micros) {
  Sample sample;
  sample.at_micros = at_micros;
  sample.state = ProcessState::sleeping;
  sample.signals.pending_process = signal_set(SIGUSR1);
  sample.signals.blocked = signal_set(SIGURG);
  sample.signals.ignored = signal_set(SIGPIPE);
  sample.signals.caught =
      signal_set(SIGHUP) | signal_set(SIGINT) | signal_set(SIGTERM) | signal_set(SIGRTMIN + 2);
  sample.cpu_nanos = 1'250'000'000;
  sample.voluntary_switches = 41;
  sample.involuntary_switches = 7;
  sample.io = IoCounters{1000, 2000, 4096, 8192};
  sample.flags = {1, 1, 1, 0, 0, 0, 0, 0, 0, 4, 0x06000001U, 4000};
  sample.stack_id = 99;
  return sample;
}

Frame frame(std::uint64_t address, const char* function, const char* module) {
  Frame frame;
  frame.address = address;
  frame.function = function;
  frame.module = module;
  frame.offset = address & 0xFFFFFU;
  frame.build_id = "00112233445566778899aabbccddeeff00112233";
  frame.fde_start = frame.offset - 16;
  frame.exported = true;
  return frame;
}

}  // namespace

Activity activity() {
  Activity row;
  row.key = {kPid, before(600)};
  row.backend_type = "client backend";
  row.database = "shop";
  row.user = "app";
  row.application_name = "loader";
  row.client_address = "10.0.0.7";
  row.state = "active";
  row.wait_event_type = "IO";
  row.wait_event = "CopyFromRead";
  row.leader_pid = 4700;
  row.xact_start = before(140);
  row.query_start = before(130);
  row.state_change = before(130);
  row.xact_age = std::chrono::seconds(140);
  row.query_age = std::chrono::seconds(130);
  row.state_age = std::chrono::seconds(130);
  row.query = "COPY t FROM ?";
  row.superuser = true;
  return row;
}

SyscallTrace trace() {
  SyscallTrace trace;
  trace.method = TraceMethod::ptrace;
  trace.asked_seconds = 2;
  trace.seconds = 1.25;
  trace.end = TraceEnd::stops;
  trace.calls = {
      {17, "pread64", 30, 1'500, 400, {{"EBADF", 20}, {"EINTR", 1}}},
      {110, "getppid", 50, 500, 20, {}}};
  trace.unfinished = UnfinishedCall{232, "epoll_wait", 0.75};
  trace.no_perf = "perf_event_open: Permission denied (needs CAP_PERFMON)";
  trace.stops = 20'000;
  trace.held_micros = 250'000;
  trace.longest_held_micros = 90;
  trace.interrupted = "epoll_wait";
  trace.signals = 2;
  trace.threads = 3;
  trace.lost = 4;
  trace.state_after = ProcessState::sleeping;
  trace.tracer_after = 77;
  return trace;
}

Evidence evidence() {
  Evidence evidence;
  evidence.server = ServerInfo{150020, "15.20", "7300000000000000001", false};
  evidence.activity = activity();
  Capture& capture = evidence.capture;
  capture.key = {kHostPid, 123456};
  capture.captured_at_micros = kNow;
  capture.postgres = true;
  capture.comm = "postgres";
  capture.title = "postgres: app shop 10.0.0.7(50000) COPY";
  capture.ppid = 4000;
  capture.ns_pid = kPid;
  capture.other_namespaces = {.pid = true, .mount = true, .network = true};
  capture.wchan = "wait_for_partner";
  capture.tracer = RelatedProcess{99, "strace", ProcessState::sleeping, ""};
  capture.children = {{4712, "sh", ProcessState::sleeping, ""}};
  capture.kernel_stack = {"wait_for_partner+0x3d", "fifo_open+0x2a1"};
  Syscall& call = capture.syscall.emplace();
  call.number = 257;
  call.name = "openat";
  call.args = {"AT_FDCWD", "\"/tmp/fifo\"", "O_RDONLY"};
  call.text = "openat(AT_FDCWD, \"/tmp/fifo\", O_RDONLY)";
  call.path = "/tmp/fifo";
  call.at_least_seconds = 60.5;
  call.at_least_source = kFromSamples;
  FdTarget& fd = call.fd.emplace();
  fd.number = 7;
  fd.kind = FdKind::fifo;
  fd.target = "/tmp/fifo";
  fd.mount = "/";
  fd.fs_type = "ext4";
  fd.device = "/dev/vda1";
  fd.peers = {{4800, "cat", ProcessState::sleeping, "127.0.0.1:5433"}};
  fd.detail = "read end";
  fd.block_device = "/dev/vda1";
  fd.backing = "/srv/image";
  fd.servers = {{4900, "sshfs", ProcessState::sleeping, ""}};
  fd.servers_certain = true;
  fd.fuse_connection = 45;
  fd.protocol = "tcp";
  fd.local = "127.0.0.1:50000";
  fd.remote = "127.0.0.1:5433";
  fd.state = "ESTABLISHED";
  fd.queues = SocketQueues{1, 2};
  fd.lock = "FLOCK WRITE";
  FdTarget member;
  member.number = 9;
  member.kind = FdKind::socket;
  member.target = "socket:[9]";
  member.events = "EPOLLIN";
  call.members = {member};
  capture.oom = OomScore{666, -900};
  capture.stack.method = CaptureMethod::ptrace_stop;
  capture.stack.held_micros = 31.5;
  capture.stack.complete = true;
  capture.stack.stop_reason = "";
  capture.stack.frames = {
      frame(0x7f0000012345, "__open64", "/lib/x86_64-linux-gnu/libc.so.6"),
      frame(0x550000023456, "AllocateFile", "/usr/lib/postgresql/15/bin/postgres"),
      Frame{}};
  capture.stack.frames[1].demangled = "AllocateFile(char const*, char const*)";
  capture.stack.frames[1].recovered = true;
  capture.stack.frames[1].recovered_by = RecoveredBy::direct_call;
  capture.stack.omitted = 40;
  capture.stack.omitted_after = 2;
  capture.torn_copies = 1;
  capture.stack.frames[1].file = "./build/../src/backend/storage/file/fd.c";
  capture.stack.frames[1].line = 2587;
  capture.samples = {sample_at(100), sample_at(20'100)};
  capture.samples[1].cpu_nanos += 500'000;
  capture.samples[1].voluntary_switches += 2;
  capture.samples[1].io->read_bytes += 512;
  capture.missing = {
      {"kernel_stack", "Operation not permitted", "CAP_SYS_ADMIN"},
      {"interrupts", "no such symbol", ""}};
  evidence.trace = trace();
  return evidence;
}

SignatureMatch signature() {
  return {
      "copy-hang",
      "COPY opens a FIFO with interrupts held",
      BugClaim::known,
      "15.21",
      "fixed in 15.21; this server runs 15.20",
      "Upgrade to 15.21 or later.",
      {"commit 0123456789ab"},
      SignatureConfidence::likely};
}

Verdict verdict() {
  return {
      Cause::blocking_call,
      Gate::service,
      "fifo_read",
      "It waits in openat(\"/tmp/fifo\") until a writer opens that FIFO.",
      "ProcDiePending = 1, state S",
      {{"Open the FIFO for writing and close it: : > /tmp/fifo", "none"},
       {"Restart PostgreSQL in immediate mode", "every session ends"}},
      Confidence::certain,
      signature()};
}

Fingerprint fingerprint() {
  return {
      "0123456789abcdef",
      "fedcba9876543210",
      "open64 | AllocateFile | BeginCopyFrom",
      kFingerprintAlgorithm,
      0.75};
}

WaitGraph wait_graph() {
  Activity waiter = activity();
  waiter.key.pid = 4712;
  LockWait wait;
  wait.waiter = waiter.key.pid;
  wait.blockers = {kPid};
  wait.object = "relation/5/16389";
  wait.lock_type = "relation";
  wait.mode = "AccessShareLock";
  wait.relation = "public.orders";
  LockSnapshot locks;
  locks.waiters = 1;
  locks.waits = {wait};
  const Evidence captured = evidence();
  const Verdict judged = verdict();
  WaitInputs inputs;
  inputs.sessions = {waiter};
  inputs.locks = locks;
  inputs.captured = {{&captured, &judged}};
  inputs.unresponsive = {kPid};
  return *waits_of(pghang::wait_graph(inputs), kPid);
}

Incident incident() {
  Incident incident;
  incident.id = "20261122T151003Z-4711";
  incident.target = "main";
  incident.rule = "long_copy";
  incident.backend = activity().key;
  incident.stage = Stage::unresponsive;
  incident.opened_at_micros = kNow - 120 * kSecond;
  incident.timeline = {
      {Stage::matched, kNow - 120 * kSecond, ""},
      {Stage::cancel_sent, kNow - 120 * kSecond, "cancel accepted"},
      {Stage::terminate_sent, kNow - 90 * kSecond, "terminate accepted"},
      {Stage::unresponsive, kNow - 60 * kSecond, ""}};
  incident.activity = activity();
  incident.evidence = evidence();
  incident.verdict = verdict();
  incident.fingerprint = fingerprint();
  incident.wait_graph = std::make_shared<const WaitGraph>(wait_graph());
  return incident;
}

Incident resolved_incident() {
  Incident incident;
  incident.id = "20261122T140000Z-99";
  incident.target = "main";
  incident.rule = "long_copy";
  incident.backend = {99, before(9000)};
  incident.stage = Stage::resolved;
  incident.outcome = Outcome::cancelled;
  incident.opened_at_micros = kNow - 4000 * kSecond;
  incident.resolved_at_micros = kNow - 3990 * kSecond;
  incident.activity.key = incident.backend;
  incident.capture_error = "worker restarted";
  return incident;
}

View view() {
  View view;
  view.version = "0.1.0";
  view.mode = "enforce";
  view.started_at_micros = kNow - 3600 * kSecond;
  view.ready = true;
  TargetView target;
  target.name = "main";
  target.dsn = "host=/run/postgresql dbname=postgres";
  target.up = true;
  target.server = evidence().server;
  target.last_poll_micros = kNow;
  target.counts = {{"active", 3}, {"idle", 40}, {"", 6}};
  target.blocked_backends = 1;
  target.breakers = {{"long_copy", false, 1}};
  target.backends = {
      {activity(),
       "long_copy",
       Stage::unresponsive,
       120,
       "",
       incident().id,
       Source::sql,
       "",
       "",
       ""},
      {activity(), "long_copy", Stage::watching, 500, "", "", Source::sql, "", "", ""}};
  view.targets = {target};
  view.incidents = {incident(), resolved_incident()};
  view.external_url = "http://db1.example.com:10187";
  view.web_config = WebConfigView{"", 1'800'000'000};
  return view;
}

}  // namespace pghang::sample
