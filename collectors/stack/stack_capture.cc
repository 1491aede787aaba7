#include "collectors/stack/stack_capture.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "collectors/process/check_process.h"
#include "collectors/process/target_memory.h"
#include "collectors/stack/stack_copy.h"

namespace pghang {

namespace {

constexpr int kAttempts = 3;

/// What must be the same before and after the copy: the process did not run in between.
struct Standstill {
  SyscallLine syscall;
  std::string clock;

  friend bool operator==(const Standstill&, const Standstill&) = default;
};

/// What changes whenever the process gets a CPU: schedstat (time on CPU, time waiting for one, how
/// often it got one), a tenth of the cost of status. A kernel without those statistics shows `0 0
/// 0`; there it is the switch counters.
Result<std::string> run_clock(const ProcFs& proc, pid_t pid) {
  auto schedstat = proc.read(pid, "schedstat");
  if (schedstat && !schedstat->starts_with("0 0 0")) return schedstat;
  const auto text = proc.read(pid, "status");
  if (!text) return text.error();
  const auto status = parse_status(*text);
  if (!status) return status.error();
  return std::to_string(status->voluntary_switches) + ' ' +
         std::to_string(status->involuntary_switches);
}

Result<Standstill> look(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "syscall");
  if (!text) return text.error();
  const auto line = parse_syscall(*text);
  if (!line) return line.error();
  auto clock = run_clock(proc, pid);
  if (!clock) return clock.error();
  return Standstill{*line, *std::move(clock)};
}

}  // namespace

StackRange stack_range(const std::vector<Mapping>& mappings, std::uint64_t sp, std::size_t limit) {
  // From the end: there the main stack lies.
  for (auto mapping = mappings.rbegin(); mapping != mappings.rend(); ++mapping) {
    // The main stack may have grown since the mappings were read.
    constexpr std::uint64_t growth = 1U << 20U;
    const bool grown =
        mapping->path == "[stack]" && sp < mapping->start && mapping->start - sp < growth;
    if (!grown && !mapping->contains(sp)) continue;
    constexpr std::uint64_t red_zone = 128;
    StackRange range;
    range.start = sp - std::min(sp - (grown ? 0 : mapping->start), red_zone);
    range.size = std::min<std::uint64_t>(mapping->end - range.start, limit);
    range.truncated = mapping->end - range.start > limit;
    return range;
  }
  return {};
}

Result<StackSnapshot> capture_in_place(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    std::uint32_t& torn
) {
  const auto stat = check_identity(proc, key);
  if (!stat) return stat.error();
  const ProcessMemory memory(key.pid);
  StackSnapshot snapshot;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = look(proc, key.pid);
    if (!before) return before.error();
    if (before->syscall.running) return Error{Errc::busy, "the process is running"};
    const StackRange range = stack_range(mappings, before->syscall.sp, kMaxStackBytes);
    if (range.size == 0) return Error{Errc::io, "the stack pointer is in no mapping"};
    snapshot.stack.resize(range.size);
    const auto copied = memory.read(range.start, std::as_writable_bytes(std::span(snapshot.stack)));
    if (!copied) return copied.error();
    const auto after = look(proc, key.pid);
    if (!after) return after.error();
    if (*after != *before) {
      ++torn;
      continue;
    }
    snapshot.key = key;
    snapshot.method = CaptureMethod::in_place;
    snapshot.in_syscall = before->syscall.number >= 0;
    snapshot.registers[kRegisterRsp] = before->syscall.sp;
    snapshot.registers[kRegisterRip] = before->syscall.pc;
    snapshot.stack_start = range.start;
    snapshot.stack.resize(*copied);
    snapshot.stack_truncated = range.truncated || *copied < range.size;
    return snapshot;
  }
  return Error{Errc::busy, "the process ran on every attempt"};
}

}  // namespace pghang
