#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "diagnosis/wait_graph.h"
#include "tests/diagnosis/evidence_builder.h"

namespace pghang::tests {

/// The inputs of a wait graph, one fact a call.
class Waits {
 public:
  Waits() { inputs_.locks.emplace(); }

  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  Waits& active(pid_t pid) { return session(pid, "active", std::chrono::seconds(3)); }

  Waits& idle_in_transaction(pid_t pid, std::chrono::seconds since) {
    return session(pid, "idle in transaction", since);
  }

  Waits& waiting(pid_t pid, const std::string& type, const std::string& event) {
    active(pid);
    inputs_.sessions.back().wait_event_type = type;
    inputs_.sessions.back().wait_event = event;
    return *this;
  }

  Waits& worker(pid_t pid, pid_t leader, const std::string& type, const std::string& event) {
    waiting(pid, type, event);
    inputs_.sessions.back().leader_pid = leader;
    inputs_.sessions.back().backend_type = "parallel worker";
    return *this;
  }

  /// The server was asked about this one.
  Waits& lock(pid_t waiter, const std::vector<pid_t>& blockers, const std::string& name = "one") {
    unasked(waiter, name);
    inputs_.locks->waits.back().blockers = blockers;
    return *this;
  }

  Waits& unasked(pid_t waiter, const std::string& name = "one") {
    LockWait& wait = inputs_.locks->waits.emplace_back();
    wait.waiter = waiter;
    wait.object = name;
    wait.lock_type = "relation";
    wait.mode = "AccessShareLock";
    wait.relation = "public.orders";
    ++inputs_.locks->waiters;
    return *this;
  }

  Waits& waiters_in_all(std::int64_t count) {
    inputs_.locks->waiters = count;
    return *this;
  }

  Waits& prepared(const std::string& gid, std::chrono::seconds age) {
    inputs_.locks->prepared.push_back({gid, "app", "shop", age, "one"});
    return *this;
  }

  Waits& captured(pid_t pid, const std::function<void(Capture&)>& change) {
    Evidence evidence = Given().evidence();
    evidence.capture.key.pid = pid;
    evidence.capture.ns_pid = pid;
    change(evidence.capture);
    verdicts_.push_back(diagnose(evidence));
    evidences_.push_back(std::move(evidence));
    inputs_.captured.push_back({&evidences_.back(), &verdicts_.back()});
    return *this;
  }

  Waits& unresponsive(pid_t pid) {
    inputs_.unresponsive.insert(pid);
    return *this;
  }

  [[nodiscard]] WaitGraph graph() const { return wait_graph(inputs_); }

  [[nodiscard]] const Verdict& verdict_of(pid_t pid) const {
    for (const CapturedBackend& one : inputs_.captured) {
      if (one.evidence->capture.key.pid == pid) return *one.verdict;
    }
    return verdicts_.front();
  }

 private:
  Waits& session(pid_t pid, const std::string& state, std::chrono::seconds age) {
    Activity& row = inputs_.sessions.emplace_back();
    row.key.pid = pid;
    row.backend_type = "client backend";
    row.user = "app";
    row.database = "shop";
    row.state = state;
    row.state_age = age;
    return *this;
  }

  WaitInputs inputs_;
  // The inputs point at them.
  std::deque<Evidence> evidences_;
  std::deque<Verdict> verdicts_;
};

[[nodiscard]] inline RelatedProcess
process(pid_t pid, const std::string& comm, ProcessState state = ProcessState::sleeping) {
  RelatedProcess process;
  process.pid = pid;
  process.comm = comm;
  process.state = state;
  return process;
}

[[nodiscard]] inline RelatedProcess far_end(const std::string& address) {
  RelatedProcess process;
  process.address = address;
  return process;
}

/// A write to a file on this mount.
[[nodiscard]] inline Syscall write_on(const std::string& mount) {
  Syscall call;
  call.name = "pwrite64";
  call.text = "pwrite64(5, 0x0, 8192)";
  FdTarget fd;
  fd.number = 5;
  fd.kind = FdKind::file;
  fd.target = mount + "/5/16390";
  fd.mount = mount;
  fd.fs_type = "ext4";
  fd.device = "/dev/loop0";
  call.fd = fd;
  return call;
}

inline void hang_on_mount(Capture& capture, const std::string& mount) {
  for (Sample& sample : capture.samples) {
    sample.state = ProcessState::uninterruptible;
    sample.flags.proc_die_pending = 1;
  }
  capture.syscall = write_on(mount);
}

inline void wait_on_lwlock(Capture& capture) {
  for (Sample& sample : capture.samples) {
    sample.flags.wait_event_info = 0x0100'0028;
    sample.flags.interrupt_holdoff_count = 1;
    sample.flags.proc_die_pending = 1;
  }
}

/// In read(2) of a descriptor with these at its other end.
inline void wait_on(Capture& capture, FdKind kind, std::vector<RelatedProcess> peers) {
  Syscall call;
  call.name = "read";
  call.text = "read(7, 0x0, 4096)";
  FdTarget fd;
  fd.number = 7;
  fd.kind = kind;
  fd.peers = std::move(peers);
  call.fd = fd;
  capture.syscall = call;
}

}  // namespace pghang::tests
