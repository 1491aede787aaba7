#include "collectors/process/observe_syscall.h"

#include <algorithm>
#include <string>

#include "collectors/process/capabilities.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/parsers.h"
#include "collectors/process/peer_scan.h"
#include "collectors/process/socket_peer.h"
#include "collectors/process/syscall_decoder.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

/// Files of mode 0400 that ask for the permission to trace as well.
constexpr std::uint64_t kPrivateFiles = capability::kSysPtrace | capability::kDacReadSearch;

bool is_open(const std::string& name) {
  return name == "open" || name == "openat" || name == "openat2" || name == "creat";
}

/// When the process started, in ticks; 0 where that cannot be told.
std::uint64_t started(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "stat");
  const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
  return stat ? stat->start_ticks : 0;
}

bool holds(const ProcFs& proc, pid_t pid, const std::string& link) {
  const auto links = proc.links(pid, "fd");
  return !links || std::any_of(links->begin(), links->end(), [&link](const ProcFs::Link& one) {
    return one.text == link;
  });
}

/// Its parent; 0 where that cannot be told.
pid_t parent_of(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "stat");
  const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
  return stat ? stat->ppid : 0;
}

/// Of the processes that may not be looked at, how many could hold the other end. A pipe was made
/// by the eldest of the target's ancestors that holds it, so what is older than that cannot have
/// it.
std::size_t possible_holders(const ProcFs& proc, const PeerQuery& query, const PeerScan& scan) {
  if (scan.denied.empty() || !query.target.starts_with("pipe:[")) return scan.denied.size();
  pid_t maker = query.pid;
  for (pid_t pid = parent_of(proc, maker); pid > 0 && holds(proc, pid, query.target);
       pid = parent_of(proc, pid))
    maker = pid;
  const std::uint64_t since = started(proc, maker);
  const auto could = [&](pid_t pid) {
    return started(proc, pid) >= since;
  };
  return static_cast<std::size_t>(std::count_if(scan.denied.begin(), scan.denied.end(), could));
}

void observe_peers(const ProcFs& proc, const PeerQuery& query, FdTarget& fd, Capture& capture) {
  PeerScan scan = find_peers(proc, query);
  fd.peers = std::move(scan.peers);
  const std::size_t unknown = possible_holders(proc, query, scan);
  if (unknown > 0) {
    const Error error{
        Errc::permission_denied,
        unknown == 1 ? "1 process could not be looked at"
                     : std::to_string(unknown) + " processes could not be looked at"};
    add_missing(capture.missing, proc, "peers", error, kPrivateFiles);
  } else if (!scan.complete) {
    add_missing(
        capture.missing,
        proc,
        "peers",
        {Errc::timeout, "not every process was looked at"},
        0
    );
  }
}

/// The link of a deleted file reads so, and so do those of its peers.
std::string link_text(const FdTarget& fd) {
  return fd.deleted ? fd.target + " (deleted)" : fd.target;
}

Result<FdTarget>
describe(const ProcFs& proc, pid_t pid, const SyscallLine& line, int number, const Syscall& call) {
  if (number >= 0) return describe_fd(proc, pid, number, false);
  return describe_path(proc, pid, path_base(line), call.path, false);
}

}  // namespace

void observe_syscall(const ProcFs& proc, pid_t pid, bool peers, Capture& capture) {
  const Result<std::string> text = proc.read(pid, "syscall");
  const auto line = text ? parse_syscall(*text) : Result<SyscallLine>(text.error());
  if (!line) {
    add_missing(capture.missing, proc, "syscall", line.error(), kPrivateFiles);
    return;
  }
  if (line->running || line->number < 0) return;

  const ProcessMemory memory(pid);
  Syscall& call = capture.syscall.emplace(decode_syscall(*line, memory));
  const int number = waited_descriptor(*line, memory);
  if (number < 0 && call.path.empty()) return;

  Result<FdTarget> fd = describe(proc, pid, *line, number, call);
  if (!fd) {
    add_missing(capture.missing, proc, "fd", fd.error(), kPrivateFiles);
    return;
  }
  if (waits_for_thaw(capture.wchan)) follow_tablespace_link(proc, pid, *fd);
  if (fd->kind == FdKind::file && waits_in_pipe(capture.wchan)) fd->kind = FdKind::fifo;
  // An open() that waits in there waits because nobody has the other end.
  const bool alone = waits_for_partner(capture.wchan);
  const bool has_peers = fd->kind == FdKind::pipe || fd->kind == FdKind::fifo || is_open(call.name);
  if (peers && has_peers && !alone)
    observe_peers(proc, {link_text(*fd), pid, number}, *fd, capture);
  if (peers && fd->kind == FdKind::socket)
    if (auto peer = tcp_peer(proc, pid, fd->target)) fd->peers.push_back(*std::move(peer));
  call.fd = std::move(*fd);
}

}  // namespace pghang
