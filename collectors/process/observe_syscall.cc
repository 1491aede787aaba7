#include "collectors/process/observe_syscall.h"

#include <string>
#include <utility>
#include <vector>

#include "collectors/process/capabilities.h"
#include "collectors/process/descriptor_detail.h"
#include "collectors/process/fd_describer.h"
#include "collectors/process/fdinfo.h"
#include "collectors/process/observe_peers.h"
#include "collectors/process/parsers.h"
#include "collectors/process/syscall_decoder.h"
#include "collectors/process/wchan.h"

namespace pghang {
namespace {

/// Files of mode 0400 that ask for the permission to trace as well.
constexpr std::uint64_t kPrivateFiles = capability::kSysPtrace | capability::kDacReadSearch;

Result<FdTarget>
describe(const ProcFs& proc, pid_t pid, const SyscallLine& line, int number, const Syscall& call) {
  if (number >= 0) return describe_fd(proc, pid, number);
  return describe_path(proc, pid, path_base(line), call.path);
}

/// Nothing but where it sleeps tells a FIFO from a file.
void make_fifo(const ProcFs& proc, pid_t pid, FdTarget& fd) {
  fd.kind = FdKind::fifo;
  if (const auto info = read_fdinfo(proc, pid, std::to_string(fd.number)))
    fd.detail = descriptor_detail(FdKind::fifo, *info);
}

/// The number may have been closed, and given to another file, since it was added.
bool is_same_file(const EpollMember& member, const FdTarget& now, const FdInfo& info) {
  if (member.inode == 0) return true;
  if (info.inode) return *info.inode == member.inode;
  const std::string inode = '[' + std::to_string(member.inode) + ']';
  const bool named = now.kind == FdKind::socket || now.kind == FdKind::pipe;
  return !named || now.target.ends_with(inode);
}

FdTarget describe_member(const ProcFs& proc, pid_t pid, const EpollMember& member) {
  FdTarget target;
  target.number = member.number;
  auto described = describe_fd(proc, pid, member.number);
  const auto info = read_fdinfo(proc, pid, std::to_string(member.number));
  if (described && info && is_same_file(member, *described, *info)) {
    target = *std::move(described);
    // An eventpoll takes no files.
    if (target.kind == FdKind::file) make_fifo(proc, pid, target);
  } else {
    target.detail = "closed, or another file by now";
  }
  target.events = epoll_events_text(member.events);
  return target;
}

void add_members(const ProcFs& proc, pid_t pid, int number, Syscall& call) {
  const auto info = read_fdinfo(proc, pid, std::to_string(number));
  if (!info) return;
  for (const EpollMember& member : info->members) {
    if (call.members.size() < kMaxMembers) {
      call.members.push_back(describe_member(proc, pid, member));
    } else {
      ++call.members_left_out;
    }
  }
}

void add_listed(
    const ProcFs& proc,
    pid_t pid,
    const std::vector<WaitedDescriptor>& waited,
    Syscall& call
) {
  for (const WaitedDescriptor& one : waited) {
    if (call.members.size() >= kMaxMembers) {
      ++call.members_left_out;
      continue;
    }
    auto described = describe_fd(proc, pid, one.number);
    FdTarget& target = call.members.emplace_back(described ? *std::move(described) : FdTarget{});
    target.number = one.number;
    target.events = one.events;
  }
}

void observe_descriptors(const ProcFs& proc, pid_t pid, const SyscallLine& line, Capture& capture) {
  const ProcessMemory memory(pid);
  Syscall& call = *capture.syscall;
  add_listed(proc, pid, waited_descriptors(line, memory), call);
  const int number = waited_descriptor(line, memory);
  if (number < 0 && call.path.empty()) return;

  Result<FdTarget> fd = describe(proc, pid, line, number, call);
  if (!fd) {
    add_missing(capture.missing, proc, "fd", fd.error(), kPrivateFiles);
    return;
  }
  if (waits_for_thaw(capture.wchan)) follow_tablespace_link(proc, pid, *fd);
  if (fd->kind == FdKind::file && waits_in_pipe(capture.wchan)) make_fifo(proc, pid, *fd);
  call.fd = std::move(*fd);
  if (call.fd->kind == FdKind::eventpoll) add_members(proc, pid, number, call);
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

  capture.syscall = decode_syscall(*line, ProcessMemory(pid));
  observe_descriptors(proc, pid, *line, capture);
  if (peers) observe_peers(proc, pid, waits_for_file_lock(*line), capture);
}

}  // namespace pghang
