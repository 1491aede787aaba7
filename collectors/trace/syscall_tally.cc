#include "collectors/trace/syscall_tally.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "collectors/process/syscall_names.h"

namespace pghang {
namespace {

constexpr double kNanosPerMicro = 1e3;
constexpr double kNanosPerSecond = 1e9;
constexpr std::int64_t kMaxErrno = 4095;
constexpr std::int64_t kRestartBlock = 516;
/// There are fewer calls than that; a program may still ask for any number.
constexpr std::size_t kMaxNumbers = 512;
constexpr long kOtherNumbers = -1;

/// The kernel's own codes, which programs never see (include/linux/errno.h): it restarts the call.
const char* restart_name(int number) {
  switch (number) {
    case 512: return "ERESTARTSYS";
    case 513: return "ERESTARTNOINTR";
    case 514: return "ERESTARTNOHAND";
    case 516: return "ERESTART_RESTARTBLOCK";
    default: return nullptr;
  }
}

std::string error_name(int number) {
  if (const char* name = ::strerrorname_np(number)) return name;
  if (const char* name = restart_name(number)) return name;
  return "errno " + std::to_string(number);
}

}  // namespace

void SyscallTally::enter(long number, std::int64_t at) {
  const bool goes_on = number == SYS_restart_syscall && restarted_;
  current_ = Current{goes_on ? *restarted_ : number, at};
}

void SyscallTally::exit(std::int64_t result, std::int64_t at) {
  if (!current_) return;
  const bool full = counts_.size() >= kMaxNumbers && !counts_.contains(current_->number);
  Count& count = counts_[full ? kOtherNumbers : current_->number];
  const std::int64_t took = std::max<std::int64_t>(at - current_->since, 0);
  ++count.calls;
  count.nanos += took;
  count.longest = std::max(count.longest, took);
  if (result < 0 && result >= -kMaxErrno) ++count.errors[static_cast<int>(-result)];
  if (result == -kRestartBlock) restarted_ = current_->number;
  current_.reset();
}

std::optional<long> SyscallTally::current() const {
  return current_ ? std::optional<long>(current_->number) : std::nullopt;
}

void SyscallTally::write(std::int64_t at, SyscallTrace& trace) const {
  trace.calls.clear();
  for (const auto& [number, count] : counts_) {
    TracedCall call{
        .number = number,
        .name = number == kOtherNumbers ? "others" : syscall_name(number),
        .calls = count.calls,
        .micros = static_cast<double>(count.nanos) / kNanosPerMicro,
        .longest_micros = static_cast<double>(count.longest) / kNanosPerMicro,
        .errors = {}};
    for (const auto& [error, times] : count.errors)
      call.errors.push_back({error_name(error), times});
    std::ranges::stable_sort(call.errors, std::ranges::greater(), &TracedError::count);
    trace.calls.push_back(std::move(call));
  }
  std::ranges::stable_sort(trace.calls, std::ranges::greater(), &TracedCall::micros);
  trace.unfinished.reset();
  if (!current_) return;
  trace.unfinished = UnfinishedCall{
      .number = current_->number,
      .name = syscall_name(current_->number),
      .seconds =
          static_cast<double>(std::max<std::int64_t>(at - current_->since, 0)) / kNanosPerSecond};
}

}  // namespace pghang
