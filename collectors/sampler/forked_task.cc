#include "collectors/sampler/forked_task.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/helper_process.h"
#include "collectors/sampler/packet_socket.h"
#include "collectors/sampler/pidfd.h"
#include "collectors/sampler/protocol.h"
#include "config/unique_fd.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;

Error system_error(const char* call) {
  return {Errc::io, std::string(call) + ": " + std::generic_category().message(errno)};
}

[[noreturn]] void
be_child(const std::function<std::string()>& body, pid_t parent, int keeper_socket, int out) {
  end_with_parent(parent);
  set_process_name("pghangd-capture");
  const std::string notice =
      encode_message({.type = MessageType::touching}, codec::encode(TouchingNotice{::getpid()}));
  if (send_packet(keeper_socket, notice) != SendStatus::sent) ::_exit(1);
  close_all_but(out);
  const std::string output = body();
  std::string_view left = output;
  while (!left.empty()) {
    const ssize_t wrote = ::write(out, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) ::_exit(1);
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  ::_exit(0);
}

bool ready_before(int fd, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&one, 1, timeout);
    if (ready > 0) return true;
    if (ready == 0 && Clock::now() >= until) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Everything until the other end closes. Errors: timeout, io.
Result<std::string> read_all(int fd, std::size_t limit, Clock::time_point until) {
  std::string output;
  for (;;) {
    if (!ready_before(fd, until)) {
      return Error{Errc::timeout, "the capture child took longer than its share of the deadline"};
    }
    const std::size_t had = output.size();
    // Not a byte more than there is: fresh pages cost more than the question.
    int there = 0;
    if (::ioctl(fd, FIONREAD, &there) != 0 || there <= 0) there = 1;
    const auto wanted = static_cast<std::size_t>(there);
    output.resize(had + wanted);
    const ssize_t got = ::read(fd, output.data() + had, wanted);
    output.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return output;
    if (got < 0 && errno != EINTR) return system_error("read");
    if (output.size() > limit) return Error{Errc::io, "the capture child said too much"};
  }
}

double cpu_micros(const rusage& usage) {
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

/// Waits for the end of the child and takes what it used. Sets `stuck` when it does not come.
void bury(
    pid_t pid,
    int pidfd,
    Clock::time_point kill_at,
    Clock::time_point give_up_at,
    ForkedResult& result
) {
  if (!result.output || !ready_before(pidfd, kill_at)) {
    ::kill(pid, SIGKILL);
    if (result.output) {
      result.output = Error{Errc::timeout, "the capture child did not end in time"};
    }
    if (!ready_before(pidfd, give_up_at)) {
      result.stuck = true;
      return;
    }
  }
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  result.cpu_micros = cpu_micros(usage);
  if (result.output && status != 0) {
    result.output = Error{Errc::io, "the capture child died (" + describe_end(status) + ")"};
  }
}

}  // namespace

ForkedResult run_forked(
    const std::function<std::string()>& body,
    int keeper_socket,
    std::size_t limit,
    Clock::time_point kill_at,
    Clock::time_point give_up_at
) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {.output = system_error("pipe2")};
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return {.output = system_error("fork")};
  if (pid == 0) be_child(body, self, keeper_socket, out.get());
  out.reset();
  const UniqueFd pidfd = open_pidfd(pid);
  ForkedResult result{
      .output = pidfd ? read_all(in.get(), limit, kill_at)
                      : Result<std::string>(system_error("pidfd_open"))};
  bury(pid, pidfd.get(), kill_at, give_up_at, result);
  return result;
}

}  // namespace pghang::sampler
