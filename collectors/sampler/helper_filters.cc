#include "collectors/sampler/helper_filters.h"

#include <sys/ptrace.h>
#include <sys/socket.h>

#include <initializer_list>
#include <utility>
#include <vector>

namespace pghang::sampler {
namespace {

/// Those that stop a process only as long as its tracer lives, and change nothing in it. Not among
/// them: PTRACE_ATTACH, whose SIGSTOP can outlive us, and every POKE and SET.
const std::vector<int> kCaptureRequests{
    PTRACE_SEIZE,
    PTRACE_INTERRUPT,
    PTRACE_GETREGSET,
    PTRACE_DETACH};
const std::vector<int> kTraceRequests{
    PTRACE_SEIZE,
    PTRACE_INTERRUPT,
    PTRACE_GETREGSET,
    PTRACE_DETACH,
    PTRACE_SYSCALL,
    PTRACE_LISTEN,
    PTRACE_GET_SYSCALL_INFO};

constexpr std::initializer_list<const char*> kNetwork{
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4"};
constexpr std::initializer_list<const char*> kOtherProcesses{
    "ptrace",
    "process_vm_readv",
    "perf_event_open"};
constexpr std::initializer_list<const char*> kSignals{
    "kill",
    "tkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "pidfd_send_signal"};

std::vector<const char*> also(
    std::vector<const char*> names,
    std::initializer_list<std::initializer_list<const char*>> more
) {
  for (const auto& group : more)
    names.insert(names.end(), group);
  return names;
}

SyscallRules keeper_rules() {
  SyscallRules rules;
  rules.refused = never_called();
  rules.socket_families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  rules.ptrace_requests = kTraceRequests;
  return rules;
}

SyscallRules worker_rules(bool downloads, bool interfere) {
  SyscallRules rules;
  if (downloads) {
    rules.refused = {"listen", "accept", "accept4"};
    return rules;
  }
  rules.refused = also({"capset"}, {kNetwork});
  rules.socket_families = {AF_NETLINK};
  rules.write_files = interfere;
  return rules;
}

/// Of a child that looks at processes or files and answers through its pipe.
SyscallRules child_rules(bool interfere) {
  SyscallRules rules;
  rules.refused = also({"capset"}, {kNetwork});
  if (!interfere) rules.refused = also(std::move(rules.refused), {kSignals});
  rules.socket_families = {AF_NETLINK};
  rules.new_processes = false;
  rules.write_files = interfere;
  return rules;
}

SyscallRules capture_rules(bool interfere) {
  SyscallRules rules = child_rules(interfere);
  rules.refused.push_back("perf_event_open");
  rules.ptrace_requests = kCaptureRequests;
  return rules;
}

SyscallRules symbol_rules() {
  SyscallRules rules = child_rules(false);
  rules.refused =
      also(std::move(rules.refused), {kOtherProcesses, {"socket", "sched_setscheduler"}});
  rules.socket_families.reset();
  return rules;
}

/// An HTTP client with a cache.
SyscallRules fetch_rules() {
  SyscallRules rules;
  rules.refused = also(
      {"capset", "listen", "accept", "accept4", "sched_setscheduler"},
      {kOtherProcesses, kSignals}
  );
  rules.new_processes = false;
  return rules;
}

std::optional<SyscallFilter> compiled(const SyscallRules& rules) {
  auto filter = SyscallFilter::compile(rules);
  if (!filter) return std::nullopt;
  return *std::move(filter);
}

}  // namespace

HelperFilters compile_helper_filters(bool downloads, bool interfere) {
  return {
      .keeper = compiled(keeper_rules()),
      .worker = compiled(worker_rules(downloads, interfere)),
      .capture = compiled(capture_rules(interfere)),
      .trace = compiled(child_rules(interfere)),
      .symbols = compiled(symbol_rules()),
      .fetch = compiled(fetch_rules())};
}

void narrow_to(const std::optional<SyscallFilter>& filter) {
  if (filter) static_cast<void>(filter->install());
}

}  // namespace pghang::sampler
