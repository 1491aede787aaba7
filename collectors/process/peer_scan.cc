#include "collectors/process/peer_scan.h"

#include <fcntl.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

using Clock = std::chrono::steady_clock;

/// O_RDONLY, O_WRONLY or O_RDWR.
std::optional<unsigned> access_mode(const ProcFs& proc, pid_t pid, const std::string& fd) {
  const Result<std::string> text = proc.read(pid, "fdinfo/" + fd);
  if (!text) return std::nullopt;
  const Result<FdInfo> info = parse_fdinfo(*text);
  if (!info) return std::nullopt;
  return info->flags & static_cast<unsigned>(O_ACCMODE);
}

/// Two descriptors of one pipe that can only do the same wait for a third.
bool same_end(std::optional<unsigned> one, std::optional<unsigned> other) {
  return one && other && *one == *other && *one != O_RDWR;
}

class Scan {
 public:
  Scan(const ProcFs& proc, const PeerQuery& query)
      : proc_(proc),
        query_(query),
        own_name_(std::to_string(query.fd)) {
    if (query.fd >= 0) own_mode_ = access_mode(proc, query.pid, own_name_);
  }

  /// Nothing when it may not be looked at.
  [[nodiscard]] std::optional<bool> holds_other_end(pid_t pid) const {
    const auto links = proc_.links(pid, "fd");
    if (!links) {
      if (links.error().code == Errc::permission_denied) return std::nullopt;
      return false;
    }
    for (const auto& [name, text] : *links) {
      if (text != query_.target || (pid == query_.pid && name == own_name_)) continue;
      if (!same_end(own_mode_, access_mode(proc_, pid, name))) return true;
    }
    return false;
  }

 private:
  const ProcFs& proc_;
  const PeerQuery& query_;
  std::string own_name_;
  std::optional<unsigned> own_mode_;
};

}  // namespace

std::optional<RelatedProcess> related_process(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "stat");
  if (!text) return std::nullopt;
  const Result<ProcStat> stat = parse_stat(*text);
  if (!stat) return std::nullopt;
  return RelatedProcess{pid, stat->comm, stat->state, ""};
}

PeerScan find_peers(const ProcFs& proc, const PeerQuery& query, std::chrono::milliseconds budget) {
  const Clock::time_point end = Clock::now() + budget;
  PeerScan found;
  const auto pids = proc.pids();
  if (!pids) {
    found.complete = false;
    return found;
  }
  const Scan scan(proc, query);
  for (const pid_t pid : *pids) {
    if (Clock::now() >= end || found.peers.size() >= kMaxPeers) {
      found.complete = false;
      break;
    }
    const std::optional<bool> holds = scan.holds_other_end(pid);
    if (!holds) {
      found.denied.push_back(pid);
    } else if (*holds) {
      if (auto peer = related_process(proc, pid)) found.peers.push_back(std::move(*peer));
    }
  }
  return found;
}

}  // namespace pghang
