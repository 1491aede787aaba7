#include "collectors/stack/stack_capture.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <optional>
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
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;

  friend bool operator==(const Standstill&, const Standstill&) = default;
};

Result<Standstill> look(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "syscall");
  if (!text) return text.error();
  const auto line = parse_syscall(*text);
  if (!line) return line.error();
  const auto status_text = proc.read(pid, "status");
  if (!status_text) return status_text.error();
  const auto status = parse_status(*status_text);
  if (!status) return status.error();
  return Standstill{*line, status->voluntary_switches, status->involuntary_switches};
}

}  // namespace

StackBuffer::StackBuffer() {
  void* memory = ::mmap(
      nullptr,
      kMaxStackBytes,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
      -1,
      0
  );
  if (memory == MAP_FAILED) return;
  data_ = static_cast<std::byte*>(memory);
  // Populated pages are writable only after a write: a fault less inside the hold.
  std::memset(data_, 0, kMaxStackBytes);
  ::mlock(data_, kMaxStackBytes);
}

StackBuffer::~StackBuffer() {
  if (data_ != nullptr) ::munmap(data_, kMaxStackBytes);
}

StackRange stack_range(const std::vector<Mapping>& mappings, std::uint64_t sp) {
  for (const Mapping& mapping : mappings) {
    // The main stack may have grown since the mappings were read.
    constexpr std::uint64_t growth = 1U << 20U;
    const bool grown =
        mapping.path == "[stack]" && sp < mapping.start && mapping.start - sp < growth;
    if (!grown && !mapping.contains(sp)) continue;
    constexpr std::uint64_t red_zone = 128;
    StackRange range;
    range.start = sp - std::min(sp - (grown ? 0 : mapping.start), red_zone);
    range.size = std::min<std::uint64_t>(mapping.end - range.start, kMaxStackBytes);
    range.truncated = mapping.end - range.start > kMaxStackBytes;
    return range;
  }
  return {};
}

Result<StackSnapshot> capture_in_place(
    const ProcFs& proc,
    ProcessKey key,
    const std::vector<Mapping>& mappings,
    StackBuffer& buffer
) {
  if (buffer.data() == nullptr) return Error{Errc::io, "no memory for a copy of the stack"};
  const auto stat = check_identity(proc, key);
  if (!stat) return stat.error();
  const ProcessMemory memory(key.pid);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = look(proc, key.pid);
    if (!before) return before.error();
    if (before->syscall.running) return Error{Errc::busy, "the process is running"};
    const StackRange range = stack_range(mappings, before->syscall.sp);
    if (range.size == 0) return Error{Errc::io, "the stack pointer is in no mapping"};
    const auto copied = memory.read(range.start, {buffer.data(), range.size});
    if (!copied) return copied.error();
    const auto after = look(proc, key.pid);
    if (!after) return after.error();
    if (*after != *before) continue;

    StackSnapshot snapshot;
    snapshot.key = key;
    snapshot.method = CaptureMethod::in_place;
    snapshot.in_syscall = before->syscall.number >= 0;
    snapshot.registers[kRegisterRsp] = before->syscall.sp;
    snapshot.registers[kRegisterRip] = before->syscall.pc;
    snapshot.stack_start = range.start;
    snapshot.stack.assign(reinterpret_cast<const char*>(buffer.data()), *copied);
    snapshot.stack_truncated = range.truncated || *copied < range.size;
    snapshot.mappings = mappings;
    return snapshot;
  }
  return Error{Errc::busy, "the process ran on every attempt"};
}

}  // namespace pghang
