#include "tests/collectors/process/support.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>

#include "collectors/process/parsers.h"
#include "collectors/process/syscall_names.h"

namespace pghang::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "pghang-process-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void FakeProc::write(const std::string& name, std::string_view text) const {
  const std::filesystem::path file = dir_.path() / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

void FakeProc::link(const std::string& name, const std::string& target) const {
  const std::filesystem::path file = dir_.path() / name;
  std::filesystem::create_directories(file.parent_path());
  std::filesystem::create_symlink(target, file);
}

void FakeProc::make_directory(const std::string& name) const {
  std::filesystem::create_directories(dir_.path() / name);
}

Result<std::size_t> FakeMemory::read(std::uint64_t address, std::span<std::byte> out) const {
  if (failure_) return *failure_;
  for (const auto& [start, bytes] : ranges_) {
    if (address < start || address >= start + bytes.size()) continue;
    const std::size_t from = address - start;
    const std::size_t count = std::min(out.size(), bytes.size() - from);
    std::memcpy(out.data(), bytes.data() + from, count);
    return count;
  }
  return Error{Errc::io, "Bad address"};
}

ChildProcess::ChildProcess(const std::function<void()>& body) {
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) std::abort();
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // it died before the line above: no signal will come
  body();
  ::_exit(0);
}

ChildProcess::~ChildProcess() {
  end();
}

void ChildProcess::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

bool root_is_mounted() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i)
      fields >> field;
    if (field == "/") return true;
  }
  return false;
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    ::sched_yield();
  }
  return false;
}

bool blocks_in(pid_t pid, const std::string& name) {
  return eventually([&] {
    const ProcFs proc;
    const auto text = proc.read(pid, "syscall");
    if (!text) return false;
    const auto line = parse_syscall(*text);
    return line && !line->running && line->number >= 0 && syscall_name(line->number) == name;
  });
}

const Missing* find_missing(const Capture& capture, const std::string& evidence) {
  const auto found =
      std::find_if(capture.missing.begin(), capture.missing.end(), [&](const Missing& entry) {
        return entry.evidence == evidence;
      });
  return found == capture.missing.end() ? nullptr : &*found;
}

}  // namespace pghang::testing
