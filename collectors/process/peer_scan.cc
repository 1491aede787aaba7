#include "collectors/process/peer_scan.h"

#include <fcntl.h>

#include <utility>

#include "collectors/process/fdinfo.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kDescriptors = "fd";

/// O_RDONLY, O_WRONLY or O_RDWR.
std::optional<unsigned> access_mode(const ProcFs& proc, pid_t pid, const std::string& fd) {
  const auto info = read_fdinfo(proc, pid, fd);
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

  [[nodiscard]] bool holds_it(pid_t pid, const std::vector<ProcFs::Link>& links) const {
    for (const auto& [name, text] : links) {
      if (text != query_.target || (pid == query_.pid && name == own_name_)) continue;
      if (counts(pid, name)) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] bool counts(pid_t pid, const std::string& fd) const {
    if (!query_.accepts) return !same_end(own_mode_, access_mode(proc_, pid, fd));
    const auto info = read_fdinfo(proc_, pid, fd);
    return info && query_.accepts(pid, *info);
  }

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
  return std::move(find_peers_of_all(proc, std::span(&query, 1), budget).front());
}

std::vector<PeerScan> find_peers_of_all(
    const ProcFs& proc,
    std::span<const PeerQuery> queries,
    std::chrono::milliseconds budget
) {
  const Clock::time_point end = Clock::now() + budget;
  std::vector<PeerScan> found(queries.size());
  std::vector<pid_t> denied;
  bool complete = true;
  const auto pids = proc.pids();
  std::vector<Scan> scans;
  for (const PeerQuery& query : queries)
    scans.emplace_back(proc, query);
  for (const pid_t pid : pids ? *pids : std::vector<pid_t>()) {
    if (Clock::now() >= end) {
      complete = false;
      break;
    }
    const auto links = proc.links(pid, std::string(kDescriptors));
    if (!links) {
      if (links.error().code == Errc::permission_denied) denied.push_back(pid);
      continue;
    }
    for (std::size_t i = 0; i < scans.size(); ++i) {
      if (!scans[i].holds_it(pid, *links)) continue;
      if (found[i].peers.size() >= kMaxPeers) {
        found[i].complete = false;
      } else if (auto peer = related_process(proc, pid)) {
        found[i].peers.push_back(std::move(*peer));
      }
    }
  }
  for (PeerScan& scan : found) {
    scan.denied = denied;
    scan.complete = scan.complete && complete && pids.has_value();
  }
  return found;
}

}  // namespace pghang
