#include "collectors/sampler/process_signal.h"

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "collectors/process/parsers.h"
#include "collectors/sampler/pidfd.h"

namespace pghang::sampler {
namespace {

constexpr unsigned kProcessGroup = 1U << 2U;  // PIDFD_SIGNAL_PROCESS_GROUP, linux/pidfd.h

Error other(const std::string& what) {
  return {Errc::identity_changed, what};
}

std::string name(pid_t pid) {
  return "process " + std::to_string(pid);
}

Result<ProcStat> stat_of(const ProcFs& proc, ProcessKey key) {
  const auto text = proc.read(key.pid, "stat");
  if (!text) return text.error();
  auto stat = parse_stat(*text);
  if (!stat) return stat.error();
  if (stat->start_ticks != key.start_ticks) return other(name(key.pid) + " is another one by now");
  if (stat->state == ProcessState::zombie || stat->state == ProcessState::dead)
    return Error{Errc::not_found, name(key.pid) + " has ended"};
  return stat;
}

Result<void> check(const ProcFs& proc, const SignalRequest& request) {
  const auto stat = stat_of(proc, request.process);
  if (!stat) return stat.error();
  if (stat->ppid != request.postmaster.pid)
    return other(name(request.process.pid) + " is not a child of the postmaster");
  if (stat->process_group != request.process.pid)
    return Error{
        Errc::refused,
        name(request.process.pid) +
            " does not lead its process group: the signal would go to others"};
  const auto parent = stat_of(proc, request.postmaster);
  if (!parent) return parent.error();
  return boost::system::in_place_value;
}

bool has_ended(const UniqueFd& pidfd) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) != 0;
}

Error failure(int error, pid_t pid) {
  const std::string text = std::generic_category().message(error);
  switch (error) {
    case ESRCH: return {Errc::not_found, name(pid) + " has ended"};
    case EPERM:
      return {
          Errc::permission_denied,
          "the helper may not signal " + name(pid) + ": " + text + "; needs CAP_KILL"};
    default: return {Errc::io, name(pid) + ": " + text};
  }
}

Result<void> kill_group(const UniqueFd& pidfd, pid_t pid, int signal) {
  if (has_ended(pidfd)) return failure(ESRCH, pid);
  if (::kill(-pid, signal) != 0) return failure(errno, pid);
  if (has_ended(pidfd))
    return Error{Errc::not_found, name(pid) + " ended while it was being signalled"};
  return boost::system::in_place_value;
}

}  // namespace

Result<void> signal_process(const ProcFs& proc, const SignalRequest& request, bool by_pidfd) {
  const pid_t pid = request.process.pid;
  if (request.signal != SIGINT && request.signal != SIGTERM)
    return Error{Errc::refused, "only SIGINT and SIGTERM are sent"};
  if (pid <= 1 || request.postmaster.pid <= 1 || pid == request.postmaster.pid ||
      request.process.start_ticks == 0 || request.postmaster.start_ticks == 0)
    return Error{Errc::refused, name(pid) + " is not known well enough to be signalled"};
  const UniqueFd pidfd = open_pidfd(pid);
  if (!pidfd) return failure(errno, pid);
  if (const auto same = check(proc, request); !same) return same;
  if (by_pidfd) {
    if (::syscall(SYS_pidfd_send_signal, pidfd.get(), request.signal, nullptr, kProcessGroup) == 0)
      return boost::system::in_place_value;
    if (errno != EINVAL) return failure(errno, pid);  // EINVAL: Linux before 6.9
  }
  return kill_group(pidfd, pid, request.signal);
}

}  // namespace pghang::sampler
