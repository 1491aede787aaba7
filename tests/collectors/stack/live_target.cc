#include "tests/collectors/stack/live_target.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX wants it declared

namespace pghang::test {

namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

LiveTarget::LiveTarget(const std::string& program, const std::string& mode) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  out_.reset(ends[0]);
  const UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  std::string path = std::string(PGHANG_TARGET_DIR) + "/" + program;
  std::string argument = mode;
  std::array<char*, 3> arguments{path.data(), argument.data(), nullptr};
  if (::posix_spawn(&pid_, path.c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
    pid_ = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  (void)read_line();
  if (mode == "spin" || mode == "count" || mode.starts_with("deepspin")) wait_until_computing();
}

LiveTarget::~LiveTarget() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string LiveTarget::end() {
  ::kill(pid_, SIGTERM);
  return read_line();
}

void LiveTarget::wait_until_computing() const {
  // It wrote `ready` by a system call, and may not be back from it yet.
  constexpr std::uint64_t nanos = 2'000'000;
  const auto cpu = [this] {
    const auto text = ProcFs().read(pid_, "schedstat");
    return text ? parse_schedstat(*text).value() : 0;
  };
  const std::uint64_t before = cpu();
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (cpu() < before + nanos && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
}

std::string LiveTarget::read_line() {
  std::string line;
  char byte = 0;
  while (::read(out_.get(), &byte, 1) == 1 && byte != '\n')
    line += byte;
  return line;
}

}  // namespace pghang::test
