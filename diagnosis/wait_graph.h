#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collectors/evidence/evidence.h"
#include "collectors/evidence/locks.h"
#include "diagnosis/verdict.h"

/// Who waits for whom, across every layer that shows it: heavyweight locks, parallel workers,
/// LWLock suspects, pipes, sockets, children, file systems. Pure, and the same inputs always give
/// the same graph.
namespace pghang {

enum class WaitNodeKind {
  backend,               ///< a process of PostgreSQL's
  process,               ///< any other
  prepared_transaction,  ///< holds locks and has no process
  remote_address,        ///< the far end of a connection that is no process of this host
  mount,                 ///< a file system
  unknown,               ///< something is there, and nothing says what
};

enum class WaitEdgeKind {
  lock,            ///< a heavyweight lock: pg_blocking_pids()
  parallel,        ///< a leader and its worker
  pipe,            ///< the other end of a pipe or FIFO
  socket,          ///< the other end of a connection, a process of this host
  child,           ///< the program of a COPY FROM/TO PROGRAM
  lwlock_suspect,  ///< circumstantial: who holds an LWLock is not published
  io,              ///< the file system that a process in D state waits for
  remote,          ///< the other end of a connection, elsewhere
  file_lock,       ///< flock() or fcntl()
};

[[nodiscard]] const char* to_string(WaitNodeKind kind);
[[nodiscard]] const char* to_string(WaitEdgeKind kind);

struct WaitNode {
  /// `pid:4711`, `prepared:GID`, `address:10.0.0.5:5432`, `mount:/srv/ts`; `host:815` for a process
  /// that a server in a container does not see.
  std::string id;
  WaitNodeKind kind = WaitNodeKind::unknown;
  pid_t pid = 0;       ///< as the server counts; 0: it has none there
  pid_t host_pid = 0;  ///< as this host counts, where that differs and is known; else 0
  std::string name;    ///< `client backend app@shop`, a comm, a gid, an address, a mount point
  std::string state;   ///< after "which": `is in D state on /srv/ts`; empty when unknown
  bool unresponsive = false;         ///< ignored a signal for longer than its grace
  bool cannot_run = false;           ///< in D state, stopped, traced or frozen
  std::size_t waiters = 0;           ///< backends that wait behind it, directly or not
  std::vector<ReleaseStep> release;  ///< what would free it; empty when unknown

  friend bool operator==(const WaitNode&, const WaitNode&) = default;
};

struct WaitEdge {
  std::string from;  ///< the id of who waits
  std::string to;    ///< the id of what it waits for
  WaitEdgeKind kind = WaitEdgeKind::lock;
  std::string detail;     ///< `AccessShareLock on relation public.orders`
  bool inferred = false;  ///< concluded from others that wait for the same thing, not asked for

  friend bool operator==(const WaitEdge&, const WaitEdge&) = default;
};

struct WaitGraph {
  std::vector<WaitNode> nodes;  ///< by kind, then pid, then id
  std::vector<WaitEdge> edges;  ///< by ends, then kind
  /// The id of where the edges end; of several ends the one with the most waiters. Empty when they
  /// end in a cycle.
  std::string root;
  std::vector<std::string> cycle;    ///< ids of a deadlock, each waiting for the next; else empty
  std::string summary;               ///< `41 backends wait behind pid 4711, which is ...`
  std::vector<ReleaseStep> release;  ///< of the root, or of the process before it
  std::size_t dropped = 0;           ///< waits left out by kMaxWaitNodes and kMaxWaitEdges

  friend bool operator==(const WaitGraph&, const WaitGraph&) = default;
};

inline constexpr std::size_t kMaxWaitNodes = 500;
inline constexpr std::size_t kMaxWaitEdges = 2000;

/// A backend that was captured.
struct CapturedBackend {
  const Evidence* evidence = nullptr;
  const Verdict* verdict = nullptr;
};

struct WaitInputs {
  std::vector<Activity> sessions;         ///< of the latest poll
  std::optional<LockSnapshot> locks;      ///< absent when not asked or not answered
  std::vector<CapturedBackend> captured;  ///< their rows of `sessions` need not be there
  std::set<pid_t> unresponsive;           ///< captured or not
};

/// Everything that is known, of one server. Its `root` is the end with the most waiters.
[[nodiscard]] WaitGraph wait_graph(const WaitInputs& inputs);

/// The part that concerns one process, by its pid as the server counts: what it waits for, and
/// everybody who waits for any of that. Nothing where it neither waits nor is waited for.
[[nodiscard]] std::optional<WaitGraph> waits_of(const WaitGraph& graph, pid_t pid);

/// waits_of() of several; equal parts are one object.
[[nodiscard]] std::map<pid_t, std::shared_ptr<const WaitGraph>>
waits_of_each(const WaitGraph& graph, const std::vector<pid_t>& pids);

/// What one capture alone shows (`pghangd diagnose`).
[[nodiscard]] std::optional<WaitGraph>
wait_graph_of(const Evidence& evidence, const Verdict& verdict);

/// Backends that wait behind an unresponsive one, itself not unresponsive.
[[nodiscard]] std::size_t blocked_backends(const WaitGraph& graph);

}  // namespace pghang
