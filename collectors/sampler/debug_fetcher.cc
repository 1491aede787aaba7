#include "collectors/sampler/debug_fetcher.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "collectors/sampler/helper_filters.h"
#include "collectors/sampler/helper_process.h"
#include "collectors/stack/debuginfod.h"

namespace pghang::sampler {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxAsked = 4096;
constexpr std::size_t kReadBytes = 4096;

/// An HTTP client has no business with the capabilities of the sampler.
bool drop_all_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

[[noreturn]] void be_child(
    const std::vector<std::string>& build_ids,
    pid_t parent,
    int out,
    Clock::time_point deadline,
    const std::optional<SyscallFilter>& narrow
) {
  end_with_parent(parent);
  set_process_name("pghangd-fetch");
  close_all_but(out);
  if (!drop_all_capabilities()) ::_exit(1);
  narrow_to(narrow);
  for (const std::string& build_id : build_ids) {
    const auto path = fetch_debug_file(build_id, deadline);
    if (!path) continue;
    const std::string line = build_id + " " + *path + "\n";
    if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

std::chrono::milliseconds DebugFetcher::timeout_from_environment() {
  // NOLINTBEGIN(concurrency-mt-unsafe): a process of one thread
  const char* urls = std::getenv("DEBUGINFOD_URLS");
  const char* seconds = std::getenv("DEBUGINFOD_MAXTIME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (urls == nullptr || *urls == '\0' || seconds == nullptr) return {};
  constexpr int decimal = 10;
  return std::chrono::seconds(std::max(std::strtol(seconds, nullptr, decimal), 0L));
}

DebugFetcher::~DebugFetcher() {
  end();
}

void DebugFetcher::want(const std::vector<std::string>& build_ids) {
  if (!enabled() || child_ != 0) return;
  const auto now = Clock::now();
  if (asked_.size() > kMaxAsked) asked_.clear();
  std::vector<std::string> fresh;
  for (const std::string& build_id : build_ids) {
    const auto [asked, added] = asked_.try_emplace(build_id, now + kAskAgain);
    if (!added && now < asked->second) continue;
    if (fresh.size() == kMaxAtOnce) {
      asked_.erase(asked);
      break;
    }
    asked->second = now + kAskAgain;
    fresh.push_back(build_id);
  }
  if (!fresh.empty()) start(std::move(fresh));
}

void DebugFetcher::start(std::vector<std::string> build_ids) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  ::fcntl(in.get(), F_SETFL, O_NONBLOCK);
  deadline_ = Clock::now() + timeout_;
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return;
  if (pid == 0) be_child(build_ids, self, out.get(), deadline_, narrow_);
  child_ = pid;
  answers_ = std::move(in);
}

int DebugFetcher::poll_timeout() const {
  if (!answers_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

std::vector<FetchedFile> DebugFetcher::take() {
  if (answers_) read_answers();
  if (answers_ && Clock::now() >= deadline_) end();
  // It may be slow to die, or never die; until then there is no other.
  if (!answers_ && child_ != 0 && ::waitpid(child_, nullptr, WNOHANG) != 0) child_ = 0;
  std::vector<FetchedFile> files;
  for (std::size_t at = 0; (at = text_.find('\n')) != std::string::npos;) {
    const std::string line = text_.substr(0, at);
    text_.erase(0, at + 1);
    const std::size_t space = line.find(' ');
    if (space != std::string::npos)
      files.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return files;
}

void DebugFetcher::read_answers() {
  std::array<char, kReadBytes> bytes{};
  for (;;) {
    const ssize_t got = ::read(answers_.get(), bytes.data(), bytes.size());
    if (got < 0) return;
    if (got == 0) {
      answers_.reset();
      return;
    }
    text_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

void DebugFetcher::end() {
  answers_.reset();
  if (child_ != 0) ::kill(child_, SIGKILL);
}

}  // namespace pghang::sampler
