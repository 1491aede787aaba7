#pragma once

#include <string>
#include <utility>

#include "tests/diagnosis/evidence_builder.h"

/// Other processes of the cluster, as a survey brings them.
namespace pghang::tests {

/// A word of class LWLock; the event within it is another in each version.
inline constexpr std::uint32_t kLwLockWord = 0x0100'0008;

/// Asleep in epoll_wait with every flag at rest; each call changes one thing.
class Other {
 public:
  explicit Other(pid_t pid, const std::string& title = "app shop [local] idle") {
    process_.key = {.pid = pid, .start_ticks = 200};
    process_.title = "postgres: 15/main: " + title;
    process_.wchan = "ep_poll";
    process_.sample = Given().evidence().capture.samples.front();
  }

  Other& state(ProcessState state) {
    process_.sample.state = state;
    return *this;
  }

  Other& frozen() {
    process_.sample.frozen = true;
    return *this;
  }

  Other& die_pending() {
    process_.sample.flags.proc_die_pending = 1;
    return *this;
  }

  Other& holdoff(int count) {
    process_.sample.flags.interrupt_holdoff_count = count;
    return *this;
  }

  Other& without_flags() {
    process_.sample.flags = {};
    return *this;
  }

  Other& waits_for_lwlock() {
    process_.sample.flags.wait_event_info = kLwLockWord;
    return *this;
  }

  Other& in_call(Syscall call) {
    process_.syscall = std::move(call);
    return *this;
  }

  template <typename Change>
  Other& with(Change change) {
    change(process_);
    return *this;
  }

  // Converts where the vector of a capture asks for it.
  operator ClusterProcess() const { return process_; }  // NOLINT(google-explicit-constructor)

 private:
  ClusterProcess process_;
};

/// A change for Given::capture().
template <typename... Others>
auto cluster(const Others&... others) {
  return [list = std::vector<ClusterProcess>{others...}](Capture& capture) {
    capture.cluster = list;
  };
}

/// A backend that was asked to end and waits for an LWLock.
inline Given waits_for_lwlock() {
  return Given().die_pending().holdoff(1).stack(
      {"libc.so.6:futex_wait", "PGSemaphoreLock", "LWLockAcquire", "LockBuffer", "PostgresMain"}
  );
}

}  // namespace pghang::tests
