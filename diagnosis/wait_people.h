#pragma once

#include <map>

#include "diagnosis/wait_graph.h"

namespace pghang {

/// What every source knows of a pid, for its node. Pids are the server's, unless a name says
/// otherwise. Points into the inputs.
class WaitPeople {
 public:
  explicit WaitPeople(const WaitInputs& inputs);

  [[nodiscard]] const Activity* session(pid_t pid) const;
  [[nodiscard]] const CapturedBackend* captured(pid_t pid) const;

  /// A node for a process; `backend` where the source says that it is one of PostgreSQL's.
  [[nodiscard]] WaitNode node(pid_t pid, bool backend) const;
  /// The same for a process by its pid on this host, which the server may not see.
  [[nodiscard]] WaitNode node_of_host(pid_t host_pid, bool backend) const;

 private:
  void meet(pid_t host_pid, pid_t pid);
  void meet(const Capture& capture, const RelatedProcess& process);

  std::map<pid_t, const Activity*> sessions_;
  std::map<pid_t, CapturedBackend> captured_;
  std::map<pid_t, const ClusterProcess*> cluster_;
  std::map<pid_t, const RelatedProcess*> related_;
  std::map<pid_t, const RelatedProcess*> unseen_;  ///< by the server; by their pid on this host
  bool apart_ = false;                             ///< the server counts otherwise than this host
  std::map<pid_t, pid_t> pid_of_host_;
  std::map<pid_t, pid_t> host_of_pid_;
  const std::set<pid_t>& unresponsive_;
};

[[nodiscard]] std::string pid_node_id(pid_t pid);

/// The file system that a process in D state waits for; empty where it is in no such state, or
/// where that is not known.
[[nodiscard]] std::string stuck_mount(const Sample& sample, const std::optional<Syscall>& syscall);

}  // namespace pghang
