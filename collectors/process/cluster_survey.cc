#include "collectors/process/cluster_survey.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/process/capabilities.h"
#include "collectors/process/cgroup_freezer.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/monotonic.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"
#include "collectors/process/peer_scan.h"
#include "collectors/process/syscall_decoder.h"
#include "collectors/process/syscall_names.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxTitle = 256;

/// Calls in which a process may hold its own mmap_lock for writing.
constexpr std::array<std::string_view, 16> kAddressSpaceCalls{
    "brk",
    "clone",
    "clone3",
    "execve",
    "exit_group",
    "fork",
    "madvise",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "shmat",
    "shmdt"};

/// What tells at a glance whether a process is worth more.
struct Glance {
  ProcessKey key;
  ProcessState state = ProcessState::unknown;
  std::string wchan;

  /// Asleep in epoll_wait, as every idle process of a server is. A frozen one sleeps elsewhere.
  [[nodiscard]] bool at_rest() const {
    return state == ProcessState::sleeping && (wchan == "ep_poll" || wchan == "do_epoll_wait");
  }
};

std::optional<ProcStat> read_stat(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "stat");
  if (!text) return std::nullopt;
  const Result<ProcStat> stat = parse_stat(*text);
  if (!stat) return std::nullopt;
  return *stat;
}

std::optional<Glance> glance_at(const ProcFs& proc, pid_t pid) {
  const auto stat = read_stat(proc, pid);
  if (!stat) return std::nullopt;
  if (stat->state == ProcessState::zombie || stat->state == ProcessState::dead) return std::nullopt;
  return Glance{{pid, stat->start_ticks}, stat->state, read_wchan(proc, pid)};
}

std::optional<SyscallLine> read_syscall(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "syscall");
  if (!text) return std::nullopt;
  const Result<SyscallLine> line = parse_syscall(*text);
  if (!line) return std::nullopt;
  return *line;
}

bool may_hold_mmap_lock(const Glance& glance, const std::optional<SyscallLine>& line) {
  if (glance.state != ProcessState::uninterruptible) return false;
  // Outside a system call it waits in a page fault.
  if (!line || line->running || line->number < 0) return true;
  const std::string name = syscall_name(line->number);
  return std::find(kAddressSpaceCalls.begin(), kAddressSpaceCalls.end(), name) !=
         kAddressSpaceCalls.end();
}

bool is_quiet(const InterruptFlags& flags) {
  return flags.proc_die_pending == 0 && flags.query_cancel_pending == 0 &&
         flags.interrupt_holdoff_count == 0 && flags.crit_section_count == 0;
}

void read_status(const ProcFs& proc, ClusterProcess& process) {
  const Result<std::string> text = proc.read(process.key.pid, "status");
  const auto status = text ? parse_status(*text) : Result<ProcStatus>(text.error());
  if (!status) return;
  process.ns_pid = status->ns_pid;
  Sample& sample = process.sample;
  sample.state = status->state;
  sample.tracer_pid = status->tracer_pid;
  sample.signals = status->signals;
  sample.voluntary_switches = status->voluntary_switches;
  sample.involuntary_switches = status->involuntary_switches;
  if (status->tracer_pid != 0) process.tracer = related_process(proc, status->tracer_pid);
}

void read_memory(const ProcFs& proc, const VariableAddresses& variables, ClusterProcess& process) {
  const pid_t pid = process.key.pid;
  if (const auto title = proc.read(pid, "cmdline", kMaxTitle))
    process.title = parse_cmdline(*title);
  if (variables.empty()) return;
  if (const auto flags = read_interrupt_flags(ProcessMemory(pid), variables))
    process.sample.flags = *flags;
}

/// Whether a cgroup is frozen shows in wchan, where that can be read; asking the cgroup costs as
/// much as all the rest.
bool looks_frozen(const ProcFs& proc, const Glance& glance) {
  const bool told = !glance.wchan.empty() && glance.wchan != "__refrigerator" &&
                    glance.wchan != "do_freezer_trap";
  if (told || glance.state == ProcessState::running) return false;
  const Result<bool> frozen = is_frozen(proc, glance.key.pid, glance.wchan);
  return frozen && *frozen;
}

void decode_call(
    const ProcFs& proc,
    const SyscallLine& line,
    const TargetMemory& memory,
    ClusterProcess& process
) {
  if (line.running || line.number < 0) return;
  process.syscall = decode_syscall(line, memory);
  const int number = waited_descriptor(line, memory);
  if (number < 0) return;
  if (auto target = describe_fd(proc, process.key.pid, number))
    process.syscall->fd = *std::move(target);
}

/// Nothing when it is another process by now.
std::optional<ClusterProcess> look_at(
    const ProcFs& proc,
    const Glance& glance,
    const VariableAddresses& variables,
    bool memory_answers
) {
  ClusterProcess process;
  process.key = glance.key;
  process.wchan = glance.wchan;
  process.sample.at_micros = monotonic_micros();
  process.sample.state = glance.state;
  const pid_t pid = glance.key.pid;
  read_status(proc, process);
  auto line = glance.at_rest() ? std::nullopt : read_syscall(proc, pid);
  const bool without_memory = !memory_answers || may_hold_mmap_lock(glance, line);
  if (without_memory) {
    process.title = "postgres";
  } else {
    read_memory(proc, variables, process);
  }
  process.sample.frozen = looks_frozen(proc, glance);
  if (glance.at_rest() && !is_quiet(process.sample.flags)) line = read_syscall(proc, pid);
  if (line) {
    if (without_memory) {
      decode_call(proc, *line, NoMemory(), process);
    } else {
      decode_call(proc, *line, ProcessMemory(pid), process);
    }
  }
  const auto still = read_stat(proc, pid);
  if (!still || still->start_ticks != glance.key.start_ticks) return std::nullopt;
  return process;
}

/// The postmaster and its children, without the target.
Result<std::vector<pid_t>> members(const ProcFs& proc, pid_t target, pid_t postmaster) {
  const std::string children = "task/" + std::to_string(postmaster) + "/children";
  const Result<std::string> text = proc.read(postmaster, children);
  if (!text) return text.error();
  std::vector<pid_t> pids;
  if (postmaster != target) pids.push_back(postmaster);
  std::string_view words = *text;
  for (auto word = take_word(words); !word.empty(); word = take_word(words))
    if (const auto pid = to_number<pid_t>(word); pid && *pid != target) pids.push_back(*pid);
  return pids;
}

void left_out(std::size_t count, const char* reason, std::vector<Missing>& missing) {
  if (count == 0) return;
  const std::string processes = count == 1 ? "1 process" : std::to_string(count) + " processes";
  missing.push_back({"cluster", processes + " of its cluster not looked at: " + reason, ""});
}

/// As the server's pid namespace counts; 0 where it is not known.
std::int64_t named_postmaster(const Capture& capture) {
  if (capture.samples.empty()) return 0;
  return capture.samples.back().flags.postmaster_pid.value_or(0);
}

}  // namespace

std::vector<ClusterProcess> survey_cluster(
    const ProcFs& proc,
    pid_t target,
    pid_t postmaster,
    const VariableAddresses& variables,
    std::vector<Missing>& missing,
    std::chrono::milliseconds budget
) {
  const auto pids = members(proc, target, postmaster);
  if (!pids) {
    add_missing(missing, proc, "cluster", pids.error(), capability::kSysPtrace);
    return {};
  }
  ProcessList list{.pids = *pids};
  return survey_processes(proc, list, variables, missing, budget);
}

std::vector<ClusterProcess> survey_processes(
    const ProcFs& proc,
    ProcessList& list,
    const VariableAddresses& variables,
    std::vector<Missing>& missing,
    std::chrono::milliseconds budget
) {
  const Clock::time_point end = Clock::now() + budget;
  std::vector<Glance> glances;
  std::size_t unseen = list.pids.size();
  for (const pid_t pid : list.pids) {
    if (Clock::now() >= end) break;
    --unseen;
    if (auto glance = glance_at(proc, pid)) glances.push_back(*std::move(glance));
  }
  list.all_seen = unseen == 0;
  for (const Glance& glance : glances)
    list.alive.push_back(glance.key);
  const auto rank = [&](const Glance& glance) {
    const auto& first = list.first;
    if (std::find(first.begin(), first.end(), glance.key.pid) != first.end()) return 0;
    return glance.at_rest() ? 2 : 1;
  };
  std::stable_sort(glances.begin(), glances.end(), [&](const Glance& one, const Glance& other) {
    return rank(one) < rank(other);
  });

  std::vector<ClusterProcess> processes;
  std::size_t looked = 0;
  for (; looked < glances.size() && processes.size() < kMaxSurveyed; ++looked) {
    if (Clock::now() >= end) break;
    if (auto process = look_at(proc, glances[looked], variables, list.memory_answers))
      processes.push_back(*std::move(process));
  }
  unseen += glances.size() - looked;
  left_out(unseen, processes.size() < kMaxSurveyed ? "no time left" : "too many", missing);
  return processes;
}

Result<std::vector<pid_t>> cluster_members(const ProcFs& proc, pid_t postmaster) {
  return members(proc, 0, postmaster);
}

bool is_orphan(const ProcFs& proc, const Capture& capture) {
  const std::int64_t named = named_postmaster(capture);
  if (named == 0 || named == capture.ns_pid) return false;
  const Result<std::string> text = proc.read(capture.ppid, "status");
  const auto parent = text ? parse_status(*text) : Result<ProcStatus>(text.error());
  return parent && parent->ns_pid != named;
}

pid_t postmaster_of(const Capture& capture) {
  const std::int64_t named = named_postmaster(capture);
  if (named == 0 || capture.orphan) return 0;
  return named == capture.ns_pid ? capture.key.pid : capture.ppid;
}

}  // namespace pghang
