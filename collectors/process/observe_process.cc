#include <unistd.h>

#include <string>

#include "collectors/process/capabilities.h"
#include "collectors/process/namespaces.h"
#include "collectors/process/observe_syscall.h"
#include "collectors/process/observer.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"
#include "collectors/process/peer_scan.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

/// The postmaster of a large server has more; the report names the first ones.
constexpr std::size_t kMaxChildren = 64;
constexpr std::size_t kMaxTitle = 4096;
constexpr std::uint64_t kKernelStackNeeds =
    capability::kSysPtrace | capability::kDacReadSearch | capability::kSysAdmin;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

void observe_status(const ProcFs& proc, pid_t pid, Capture& capture, bool asleep) {
  capture.wchan = read_wchan(proc, pid);
  const Result<std::string> text = proc.read(pid, "status");
  const auto status = text ? parse_status(*text) : Result<ProcStatus>(text.error());
  if (!status) {
    add_missing(capture.missing, proc, "status", status.error(), capability::kSysPtrace);
    return;
  }
  if (status->tracer_pid != 0) {
    capture.tracer = related_process(proc, status->tracer_pid);
    // A tracer of another pid namespace has no directory here.
    if (!capture.tracer)
      capture.tracer = RelatedProcess{status->tracer_pid, "", ProcessState::unknown, ""};
  }
  // The file never fails: it reads 0 for those who may not know.
  const bool hidden = asleep && capture.wchan.empty() && status->uid != ::geteuid() &&
                      !lacking(proc, capability::kSysPtrace).empty();
  if (hidden) {
    const Error error{Errc::permission_denied, "wchan reads 0 without the permission to trace"};
    add_missing(capture.missing, proc, "wchan", error, capability::kSysPtrace);
  }
}

void add_children(
    const ProcFs& proc,
    std::string_view pids,
    std::vector<RelatedProcess>& children
) {
  for (std::string_view word = take_word(pids); !word.empty(); word = take_word(pids)) {
    if (children.size() >= kMaxChildren) return;
    const auto child = to_number<pid_t>(word);
    if (!child) continue;
    auto related = related_process(proc, *child);
    if (!related) continue;
    if (const auto text = proc.read(*child, "status"))
      if (const auto status = parse_status(*text))
        related->ignored_signals = status->signals.ignored;
    children.push_back(std::move(*related));
  }
}

void observe_children(const ProcFs& proc, pid_t pid, Capture& capture) {
  const auto threads = proc.list(pid, "task");
  if (!threads) {
    add_missing(capture.missing, proc, "children", threads.error(), capability::kSysPtrace);
    return;
  }
  for (const std::string& thread : *threads) {
    const Result<std::string> pids = proc.read(pid, "task/" + thread + "/children");
    if (pids) {
      add_children(proc, *pids, capture.children);
    } else if (thread == std::to_string(pid)) {
      add_missing(capture.missing, proc, "children", pids.error(), capability::kSysPtrace);
    }
  }
}

void observe_kernel_stack(const ProcFs& proc, pid_t pid, Capture& capture) {
  const Result<std::string> text = proc.read(pid, "stack");
  if (text) {
    capture.kernel_stack = parse_kernel_stack(*text);
    return;
  }
  add_missing(capture.missing, proc, "kernel_stack", text.error(), kKernelStackNeeds);
}

}  // namespace

Result<void> observe_process(const ProcFs& proc, pid_t pid, bool peers, Capture& capture) {
  const Result<std::string> text = proc.read(pid, "stat");
  if (!text) return text.error();
  const Result<ProcStat> stat = parse_stat(*text);
  if (!stat) return stat.error();
  capture.comm = stat->comm;
  capture.ppid = stat->ppid;
  if (const Result<std::string> title = proc.read(pid, "cmdline", kMaxTitle); title) {
    capture.title = parse_cmdline(*title);
  } else {
    add_missing(capture.missing, proc, "title", title.error(), capability::kSysPtrace);
  }

  const bool asleep =
      stat->state == ProcessState::sleeping || stat->state == ProcessState::uninterruptible;
  observe_status(proc, pid, capture, asleep);
  if (stat->state == ProcessState::zombie || stat->state == ProcessState::dead) return {};
  capture.oom = read_oom_score(proc, pid);
  observe_children(proc, pid, capture);
  observe_kernel_stack(proc, pid, capture);
  observe_syscall(proc, pid, peers, capture);
  observe_namespaces(proc, pid, capture);
  return {};
}

std::optional<OomScore> read_oom_score(const ProcFs& proc, pid_t pid) {
  const auto number = [&](const char* name) -> std::optional<std::int32_t> {
    const Result<std::string> text = proc.read(pid, name);
    return text ? to_number<std::int32_t>(trimmed(*text)) : std::nullopt;
  };
  const auto score = number("oom_score");
  const auto adjustment = number("oom_score_adj");
  if (!score || !adjustment) return std::nullopt;
  return OomScore{*score, *adjustment};
}

Result<std::int64_t> started_at_micros(const ProcFs& proc, std::uint64_t start_ticks) {
  const Result<std::string> text = proc.read_global("stat");
  if (!text) return text.error();
  const Result<std::int64_t> boot = parse_btime(*text);
  if (!boot) return boot.error();
  const std::int64_t per_tick = kMicrosPerSecond / ::sysconf(_SC_CLK_TCK);
  return *boot * kMicrosPerSecond + static_cast<std::int64_t>(start_ticks) * per_tick;
}

}  // namespace pghang
