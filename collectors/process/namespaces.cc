#include "collectors/process/namespaces.h"

#include <unistd.h>

#include "collectors/process/parsers.h"

namespace pghang {
namespace {

/// Of a process that may not be looked at, or is gone, nothing is claimed.
bool apart(const ProcFs& proc, pid_t pid, const char* link) {
  const Result<std::string> own = proc.link(pid, link);
  Result<std::string> here = proc.link(1, link);
  if (!here) here = proc.link(::getpid(), link);
  return own && here && *own != *here;
}

class Inside {
 public:
  Inside(const ProcFs& proc, pid_t pid, bool other) : proc_(proc), pid_(pid), other_(other) {}

  void name(RelatedProcess& process) const {
    if (process.pid == 0) return;
    process.ns_pid = other_ ? pid_inside(process.pid) : process.pid;
  }

 private:
  [[nodiscard]] pid_t pid_inside(pid_t pid) const {
    const Result<std::string> text = proc_.read(pid, "status");
    const auto status = text ? parse_status(*text) : Result<ProcStatus>(text.error());
    return status && same_pid_namespace(proc_, pid, pid_) ? status->ns_pid : 0;
  }

  const ProcFs& proc_;
  pid_t pid_;
  bool other_;
};

}  // namespace

bool same_pid_namespace(const ProcFs& proc, pid_t one, pid_t other) {
  const Result<std::string> here = proc.link(one, "ns/pid");
  const Result<std::string> there = proc.link(other, "ns/pid");
  return here && there && *here == *there;
}

void observe_namespaces(const ProcFs& proc, pid_t pid, Capture& capture) {
  capture.ns_pid = pid;
  if (const Result<std::string> text = proc.read(pid, "status")) {
    if (const auto status = parse_status(*text)) {
      capture.ns_pid = status->ns_pid;
      capture.other_namespaces.pid = status->pid_levels > 1;
    }
  }
  capture.other_namespaces.mount = apart(proc, pid, "ns/mnt");
  capture.other_namespaces.network = apart(proc, pid, "ns/net");

  const Inside inside(proc, pid, capture.other_namespaces.pid);
  if (capture.tracer) inside.name(*capture.tracer);
  for (RelatedProcess& child : capture.children)
    inside.name(child);
  if (capture.parent) inside.name(*capture.parent);
  if (!capture.syscall) return;
  const auto name_all = [&inside](FdTarget& descriptor) {
    for (auto* processes : {&descriptor.peers, &descriptor.servers})
      for (RelatedProcess& process : *processes)
        inside.name(process);
  };
  if (capture.syscall->fd) name_all(*capture.syscall->fd);
  for (FdTarget& member : capture.syscall->members)
    name_all(member);
}

}  // namespace pghang
