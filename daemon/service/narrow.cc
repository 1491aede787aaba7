#include "daemon/service/narrow.h"

#include <sys/socket.h>

#include "collectors/sampler/syscall_filter.h"

namespace pghang {

Result<void> narrow_daemon() {
  sampler::SyscallRules rules;
  rules.refused = sampler::never_called();
  for (const char* name :
       {"ptrace",
        "process_vm_readv",
        "perf_event_open",
        "pidfd_send_signal",
        "sched_setscheduler",
        "sched_setattr",
        "setpriority",
        "capset"})
    rules.refused.push_back(name);
  rules.new_processes = false;
  // AF_NETLINK: getaddrinfo() asks which addresses this host has.
  rules.socket_families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  const auto filter = sampler::SyscallFilter::compile(rules);
  if (!filter) return filter.error();
  return filter->install();
}

}  // namespace pghang
