#include "daemon/service/in_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>

#include "config/unique_fd.h"

namespace pghang {
namespace {

constexpr std::size_t kMost = 64UL << 10U;
/// The child's descriptor of the pipe.
constexpr int kAnswer = 3;

/// Whoever reads our output to its end must not wait for a probe that hangs.
[[noreturn]] void run_probe(const std::function<std::string()>& probe, int answer) {
  if (answer != kAnswer) ::dup2(answer, kAnswer);
  ::close_range(kAnswer + 1, UINT_MAX, 0);
  for (int standard = 0; standard < kAnswer; ++standard)
    ::close(standard);
  // The lowest free numbers, so: input, output, errors.
  for (int standard = 0; standard < kAnswer; ++standard) {
    if (::open("/dev/null", O_RDWR) < 0) ::_exit(1);
  }
  const std::string text = probe().substr(0, kMost);
  // A whole answer fits into the pipe.
  const ssize_t written = ::write(kAnswer, text.data(), text.size());
  ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

std::optional<std::string> read_to_end(int from, std::chrono::steady_clock::time_point until) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now()
    );
    if (left.count() < 0) return std::nullopt;
    pollfd ready{.fd = from, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(left.count()) + 1) <= 0) continue;
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

std::optional<std::string>
in_child(const std::function<std::string()>& probe, std::chrono::milliseconds deadline) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return std::nullopt;
  if (child == 0) run_probe(probe, writer.get());
  writer = UniqueFd();
  auto answer = read_to_end(reader.get(), std::chrono::steady_clock::now() + deadline);
  if (!answer) {
    // Ours and not waited for yet, so its pid is nobody else's. In D state it stays until that
    // ends.
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, WNOHANG);
    return std::nullopt;
  }
  ::waitpid(child, nullptr, 0);
  return answer;
}

}  // namespace pghang
