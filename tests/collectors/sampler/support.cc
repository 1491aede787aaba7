#include "tests/collectors/sampler/support.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "collectors/process/procfs.h"
#include "config/unique_fd.h"

namespace pghang::sampler::testing {
namespace {

template <typename T>
T read_proc(pid_t pid, const char* file, Result<T> (*parse)(std::string_view)) {
  const auto text = ProcFs().read(pid, file);
  if (!text) return {};
  const auto parsed = parse(*text);
  return parsed ? *parsed : T{};
}

}  // namespace

std::string sampler_program() {
  return PGHANG_SAMPLER;
}

std::string hooked_program() {
  return PGHANG_SAMPLER_HOOKED;
}

std::string fake_backend_program() {
  return PGHANG_FAKE_BACKEND;
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TemporaryFolder::TemporaryFolder() : path_("/tmp/pghang-sampler-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
  ::chmod(path_.c_str(), 0755);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::copy(const std::string& program) const {
  std::string to = file(std::filesystem::path(program).filename());
  std::filesystem::copy_file(program, to);
  ::chmod(to.c_str(), 0755);
  return to;
}

Environment::Environment(std::vector<std::pair<std::string, std::string>> variables)
    : variables_(std::move(variables)) {
  for (const auto& [name, value] : variables_)
    ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
}

Environment::~Environment() {
  for (const auto& [name, value] : variables_)
    ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
}

Target::Target(const std::string& mode, const std::string& program, uid_t uid) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out.get(), STDOUT_FILENO);
    if (uid != 0 && (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0)) {
      ::_exit(1);
    }
    ::execl(program.c_str(), program.c_str(), mode.c_str(), nullptr);
    ::_exit(1);
  }
  out.reset();
  std::array<char, 5> ready{};
  if (::read(in.get(), ready.data(), ready.size()) != 5) std::abort();
  // Past the write() that said so: waiting in the next call, or some time on CPU.
  const std::uint64_t began = cpu_nanos();
  const auto there = [&] {
    if (mode == "spin" || mode == "wake" || mode == "chatter")
      return cpu_nanos() > began + 5'000'000;
    const bool sleeps = mode == "sleep" || mode == "calls" || mode == "cluster";
    const auto waits = sleeps ? ProcessState::sleeping : ProcessState::uninterruptible;
    return stat().state == waits;
  };
  if (!eventually(there)) std::abort();
}

Target::~Target() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

ProcStat Target::stat() const {
  return read_proc<ProcStat>(pid_, "stat", parse_stat);
}

ProcStatus Target::status() const {
  return read_proc<ProcStatus>(pid_, "status", parse_status);
}

void Target::signal(int number) const {
  ::kill(pid_, number);
}

std::uint64_t Target::cpu_nanos() const {
  return read_proc<std::uint64_t>(pid_, "schedstat", parse_schedstat);
}

bool Target::runs_on() const {
  const ProcStatus now = status();
  if (now.state != ProcessState::running || now.tracer_pid != 0) return false;
  const std::uint64_t before = cpu_nanos();
  return eventually([&] { return cpu_nanos() > before; });
}

bool ended(pid_t pid) {
  const auto text = ProcFs().read(pid, "stat");
  if (!text) return true;
  const auto stat = parse_stat(*text);
  return stat && stat->state == ProcessState::zombie;
}

Helper::Helper(const std::string& program) {
  client_ = SamplerClient::start(loop_.get_executor(), program).value();
}

Result<Capture> Helper::capture(const CaptureRequest& request, std::chrono::milliseconds deadline) {
  return run(loop_, client_->capture(request, deadline));
}

SamplerStats Helper::stats() {
  const auto stats = run(loop_, client_->stats(std::chrono::seconds(5)));
  return stats ? *stats : SamplerStats{};
}

}  // namespace pghang::sampler::testing
