#include "collectors/trace/perf_trace.h"

#include <linux/perf_event.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "collectors/process/check_process.h"
#include "collectors/process/file_text.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"
#include "collectors/trace/perf_ring.h"
#include "collectors/trace/syscall_tally.h"
#include "collectors/trace/tracee.h"
#include "config/unique_fd.h"

namespace pghang {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr double kNanosPerSecond = 1e9;
/// A process in a loop of the cheapest call was seen to make 540,000 a second, 75 MB of records: a
/// ring of 4 MiB is full of them after 55 ms.
constexpr std::int64_t kDrainMillis = 10;
constexpr std::size_t kMaxIdBytes = 32;

/// The number that stands for a tracepoint on this machine.
Result<std::uint64_t> tracepoint(const std::string& name) {
  Result<std::string> text = Error{Errc::not_found, "no tracefs"};
  for (const char* root : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    text = read_text_file(std::string(root) + "/events/raw_syscalls/" + name + "/id", kMaxIdBytes);
    if (text || text.error().code == Errc::permission_denied) break;
  }
  if (!text) return text.error();
  std::string_view line = *text;
  const auto number = to_number<std::uint64_t>(take_word(line));
  if (!number) return Error{Errc::unsupported, "a tracepoint's id cannot be read"};
  return *number;
}

Result<UniqueFd> open_event(pid_t pid, std::uint64_t id) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
  attr.disabled = 1;
  attr.watermark = 1;
  attr.wakeup_watermark = 256U * 1024;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  UniqueFd event(
      static_cast<int>(::syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC))
  );
  if (event) return event;
  return system_error(errno, "perf_event_open");
}

/// What a sample carries after its header, and of the tracepoint's own record what is asked for
/// here (events/raw_syscalls/*/format).
struct RawSyscall {
  std::uint64_t at = 0;
  std::uint32_t raw_bytes = 0;
  std::uint16_t tracepoint = 0;
  long number = 0;
  std::int64_t result = 0;  ///< of sys_exit; the first argument, of sys_enter
};

bool parse(std::string_view bytes, RawSyscall& out) {
  constexpr std::size_t raw_at = sizeof out.at + sizeof out.raw_bytes;
  constexpr std::size_t number_at = raw_at + 8;  // after the fields common to all tracepoints
  if (bytes.size() < number_at + sizeof out.number + sizeof out.result) return false;
  std::memcpy(&out.at, bytes.data(), sizeof out.at);
  std::memcpy(&out.tracepoint, bytes.data() + raw_at, sizeof out.tracepoint);
  std::memcpy(&out.number, bytes.data() + number_at, sizeof out.number);
  std::memcpy(&out.result, bytes.data() + number_at + sizeof out.number, sizeof out.result);
  return true;
}

class PerfTrace {
 public:
  PerfTrace(std::uint64_t enter_id, UniqueFd enter, UniqueFd exit, PerfRing ring)
      : enter_id_(enter_id),
        enter_(std::move(enter)),
        exit_(std::move(exit)),
        ring_(std::move(ring)) {}

  SyscallTrace run(const ProcFs& proc, pid_t pid, std::chrono::milliseconds duration);

 private:
  void follow(std::int64_t until);
  void take_all();
  void take(const RawSyscall& call);

  std::uint64_t enter_id_;
  UniqueFd enter_;
  UniqueFd exit_;
  PerfRing ring_;
  SyscallTally tally_;
  SyscallTrace trace_;
  std::int64_t began_ = 0;
  bool made_calls_ = false;
};

SyscallTrace PerfTrace::run(const ProcFs& proc, pid_t pid, std::chrono::milliseconds duration) {
  trace_.method = TraceMethod::perf;
  began_ = monotonic_nanos();
  for (const int event : {exit_.get(), enter_.get()})
    ::ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
  follow(began_ + duration.count() * kNanosPerMilli);
  for (const int event : {enter_.get(), exit_.get()})
    ::ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
  const std::int64_t ended = monotonic_nanos();
  take_all();
  trace_.seconds = static_cast<double>(ended - began_) / kNanosPerSecond;
  if (!made_calls_ && trace_.end == TraceEnd::duration) {
    const auto text = proc.read(pid, "syscall");
    const auto line = text ? parse_syscall(*text) : Result<SyscallLine>(text.error());
    if (line && !line->running && line->number >= 0) tally_.enter(line->number, began_);
  }
  tally_.write(ended, trace_);
  if (trace_.end == TraceEnd::exited) trace_.unfinished.reset();
  return std::move(trace_);
}

void PerfTrace::follow(std::int64_t until) {
  for (;;) {
    const std::int64_t left = (until - monotonic_nanos() + kNanosPerMilli - 1) / kNanosPerMilli;
    if (left <= 0) return;
    pollfd event{.fd = enter_.get(), .events = POLLIN, .revents = 0};
    ::poll(&event, 1, static_cast<int>(std::min(left, kDrainMillis)));
    take_all();
    if (trace_.end != TraceEnd::duration) return;
    if ((event.revents & (POLLHUP | POLLERR)) != 0) {
      trace_.end = TraceEnd::exited;
      return;
    }
  }
}

void PerfTrace::take_all() {
  ring_.drain([this](const perf_event_header& header, std::string_view body) {
    if (header.type == PERF_RECORD_LOST) {
      // Of its fields the second says how many.
      std::uint64_t lost = 0;
      if (body.size() >= 2 * sizeof lost)
        std::memcpy(&lost, body.data() + sizeof lost, sizeof lost);
      trace_.lost += lost;
    }
    RawSyscall call;
    if (header.type == PERF_RECORD_SAMPLE && parse(body, call)) take(call);
  });
}

void PerfTrace::take(const RawSyscall& call) {
  const auto at = static_cast<std::int64_t>(call.at);
  if (call.tracepoint == enter_id_) {
    tally_.enter(call.number, at);
  } else {
    if (!made_calls_ && !tally_.current()) tally_.enter(call.number, began_);
    tally_.exit(call.result, at);
    const bool exec = call.number == SYS_execve || call.number == SYS_execveat;
    if (exec && call.result == 0) trace_.end = TraceEnd::exec;
  }
  made_calls_ = true;
}

}  // namespace

Result<SyscallTrace> trace_by_perf(const ProcFs& proc, ProcessKey key, const TraceLimits& limits) {
  const auto enter_id = tracepoint("sys_enter");
  if (!enter_id) return enter_id.error();
  const auto exit_id = tracepoint("sys_exit");
  if (!exit_id) return exit_id.error();
  auto enter = open_event(key.pid, *enter_id);
  if (!enter) return enter.error();
  auto exit = open_event(key.pid, *exit_id);
  if (!exit) return exit.error();
  if (const auto same = check_identity(proc, key); !same) return same.error();
  auto ring = PerfRing::open(enter->get());
  if (!ring) return ring.error();
  if (::ioctl(exit->get(), PERF_EVENT_IOC_SET_OUTPUT, enter->get()) != 0) {
    return system_error(errno, "PERF_EVENT_IOC_SET_OUTPUT");
  }
  return PerfTrace(*enter_id, *std::move(enter), *std::move(exit), *std::move(ring))
      .run(proc, key.pid, limits.duration);
}

}  // namespace pghang
