#include "collectors/process/observe_peers.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/process/capabilities.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/fdinfo.h"
#include "collectors/process/file_server.h"
#include "collectors/process/lock_holders.h"
#include "collectors/process/peer_scan.h"
#include "collectors/process/pipe_holders.h"
#include "collectors/process/socket_peer.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

/// Files of mode 0400 that ask for the permission to trace as well.
constexpr std::uint64_t kPrivateFiles = capability::kSysPtrace | capability::kDacReadSearch;

bool is_open(const std::string& name) {
  return name == "open" || name == "openat" || name == "openat2" || name == "creat";
}

/// The link of a deleted file reads so, and so do those of its peers.
std::string link_text(const FdTarget& fd) {
  return fd.deleted ? fd.target + " (deleted)" : fd.target;
}

/// Collects what to look for, looks once, and hands out what was found.
class PeerObserver {
 public:
  PeerObserver(const ProcFs& proc, pid_t pid, Capture& capture)
      : proc_(proc),
        pid_(pid),
        capture_(capture),
        sockets_(proc, pid) {}

  void add(FdTarget& fd, bool opens) {
    const bool pipe = fd.kind == FdKind::pipe || fd.kind == FdKind::fifo;
    if (fd.kind == FdKind::socket) {
      add_socket(fd);
    } else if (fd.kind == FdKind::pidfd) {
      add_pidfd(fd);
    } else if (pipe || opens) {
      look_for({link_text(fd), pid_, fd.number}, [&fd](std::vector<RelatedProcess> found) {
        fd.peers = std::move(found);
      });
    }
    if (is_fuse(fd.fs_type)) add_fuse(fd);
  }

  void add_lock(FdTarget& fd) {
    const Result<std::string> text = proc_.read_global("locks");
    const auto locks = text ? parse_locks(*text) : Result<std::vector<FileLock>>(text.error());
    if (!locks) return add_missing(capture_.missing, proc_, "peers", locks.error(), 0);
    holders_ = locks_in_the_way(*locks, pid_, locked_file(fd));
    if (holders_.empty()) return;
    fd.lock = lock_text(holders_.front());
    PeerQuery query{link_text(fd), pid_, fd.number};
    // A lock may have been taken by a process that has ended and left it to its children: fdinfo
    // tells who has it now.
    query.accepts = [this](pid_t, const FdInfo& info) {
      return std::ranges::any_of(info.locks, [this](const FileLock& lock) {
        return std::ranges::any_of(holders_, [&lock](const FileLock& holder) {
          return same_lock(lock, holder);
        });
      });
    };
    look_for(std::move(query), [this, &fd](std::vector<RelatedProcess> found) {
      fd.peers = std::move(found);
      add_named_holders(fd);
    });
  }

  void look() {
    if (queries_.empty()) return;
    std::vector<PeerScan> scans = find_peers_of_all(proc_, queries_);
    for (std::size_t i = 0; i < scans.size(); ++i) {
      say_what_is_missing(queries_[i], scans[i]);
      uses_[i](std::move(scans[i].peers));
    }
  }

 private:
  using Use = std::function<void(std::vector<RelatedProcess>)>;

  void look_for(PeerQuery query, Use use) {
    queries_.push_back(std::move(query));
    uses_.push_back(std::move(use));
  }

  void add_socket(FdTarget& fd) {
    const std::string other_end = sockets_.describe(fd);
    if (other_end.empty()) return add_address(fd);
    look_for({other_end, pid_, -1}, [&fd](std::vector<RelatedProcess> found) {
      fd.peers = std::move(found);
      for (RelatedProcess& peer : fd.peers)
        peer.address = fd.remote;
      add_address(fd);
    });
  }

  /// The other end is an address where it is no process of this host.
  static void add_address(FdTarget& fd) {
    if (fd.peers.empty() && !fd.remote.empty())
      fd.peers.push_back({0, "", ProcessState::unknown, fd.remote});
  }

  void add_pidfd(FdTarget& fd) const {
    const auto info = read_fdinfo(proc_, pid_, std::to_string(fd.number));
    if (!info || info->pid.value_or(0) <= 0) return;
    if (auto process = related_process(proc_, *info->pid)) fd.peers.push_back(std::move(*process));
  }

  void add_fuse(FdTarget& fd) {
    const auto mount = mount_of(proc_, pid_, fd);
    if (!mount) return;
    fd.fuse_connection = fuse_connection(*mount);
    FuseDaemons& daemons = daemons_.emplace_back(fd.fs_type, fd.fuse_connection);
    look_for(daemons.query(), [&fd, &daemons](std::vector<RelatedProcess> found) {
      daemons.take(std::move(found), fd);
    });
    const std::string number = std::to_string(fd.fuse_connection);
    if (const auto waiting = proc_.read_sys("fs/fuse/connections/" + number + "/waiting"))
      fd.detail = waiting_requests(*waiting);
  }

  [[nodiscard]] std::optional<LockedFile> locked_file(const FdTarget& fd) const {
    const auto info = read_fdinfo(proc_, pid_, std::to_string(fd.number));
    const auto mount = mount_of(proc_, pid_, fd);
    if (!info || !info->inode || !mount) return std::nullopt;
    return LockedFile{mount->device_major, mount->device_minor, *info->inode};
  }

  /// Those that have the file open by another name. A POSIX lock ends with its process; that of
  /// flock() may be another's by now.
  void add_named_holders(FdTarget& fd) const {
    const bool found = !fd.peers.empty();
    for (const FileLock& holder : holders_) {
      const bool known =
          std::ranges::find(fd.peers, holder.pid, &RelatedProcess::pid) != fd.peers.end();
      if (known || holder.pid <= 0 || (found && holder.type != "POSIX")) continue;
      if (auto process = related_process(proc_, holder.pid))
        fd.peers.push_back(std::move(*process));
    }
  }

  void say_what_is_missing(const PeerQuery& query, const PeerScan& scan) {
    const bool pipe = query.target.starts_with("pipe:[");
    // Whoever else holds a pipe matters; the other end of a socket is one.
    const bool one_is_enough = query.target.starts_with("socket:[") || query.accepts;
    if (one_is_enough && !scan.peers.empty()) return;
    const std::size_t unknown =
        pipe ? possible_pipe_holders(proc_, query, scan.denied) : scan.denied.size();
    if (unknown > 0) {
      const Error error{
          Errc::permission_denied,
          unknown == 1 ? "1 process could not be looked at"
                       : std::to_string(unknown) + " processes could not be looked at"};
      add_missing(capture_.missing, proc_, "peers", error, kPrivateFiles);
    } else if (!scan.complete) {
      const Error error{Errc::timeout, "not every process was looked at"};
      add_missing(capture_.missing, proc_, "peers", error, 0);
    }
  }

  const ProcFs& proc_;
  pid_t pid_;
  Capture& capture_;
  Sockets sockets_;
  std::vector<FileLock> holders_;
  std::deque<FuseDaemons> daemons_;  ///< queries refer to them
  std::vector<PeerQuery> queries_;
  std::vector<Use> uses_;
};

}  // namespace

void observe_peers(const ProcFs& proc, pid_t pid, bool file_lock, Capture& capture) {
  Syscall& call = *capture.syscall;
  PeerObserver observer(proc, pid, capture);
  if (call.fd) {
    // An open() that waits for a partner waits because nobody has the other end.
    if (!waits_for_partner(capture.wchan)) observer.add(*call.fd, is_open(call.name));
    if (file_lock) observer.add_lock(*call.fd);
  }
  for (FdTarget& member : call.members)
    observer.add(member, false);
  observer.look();
}

}  // namespace pghang
