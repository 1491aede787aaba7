#include "collectors/sampler/client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/client_channel.h"
#include "collectors/sampler/packet_socket.h"
#include "collectors/sampler/pidfd.h"
#include "config/unique_fd.h"

namespace pghang::sampler {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kKeeperEnds{1000};

Errc errc_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::permission_denied;
    default: return Errc::io;
  }
}

/// posix_spawn's two settings with their destruction.
struct SpawnSettings {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }

  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

/// libdebuginfod takes its configuration from the environment, and so does the helper: what it is
/// to ask, how long, and, below systemd, where its cache is. No other process sees it there.
std::vector<std::string> environment_of_helper(const Symbols& symbols) {
  std::vector<std::string> all;
  std::string cache;
  bool cache_is_set = false;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("DEBUGINFOD_URLS=") || text.starts_with("DEBUGINFOD_MAXTIME=")) continue;
    cache_is_set = cache_is_set || text.starts_with("DEBUGINFOD_CACHE_PATH=");
    constexpr std::string_view systemds = "CACHE_DIRECTORY=";
    if (text.starts_with(systemds)) cache = text.substr(systemds.size());
    all.emplace_back(text);
  }
  if (symbols.debuginfod_urls.empty()) return all;
  std::string urls = "DEBUGINFOD_URLS=";
  for (const std::string& url : symbols.debuginfod_urls)
    urls += url + " ";
  all.push_back(std::move(urls));
  const auto limit = std::chrono::ceil<std::chrono::seconds>(symbols.debuginfod_timeout);
  all.push_back("DEBUGINFOD_MAXTIME=" + std::to_string(limit.count()));
  if (!cache_is_set && !cache.empty())
    all.push_back("DEBUGINFOD_CACHE_PATH=" + cache + "/debuginfod");
  return all;
}

Result<pid_t> spawn_keeper(const std::string& program, int socket, const Symbols& symbols) {
  SpawnSettings settings;
  // dup2 of a descriptor onto itself clears close-on-exec here (glibc 2.29).
  ::posix_spawn_file_actions_adddup2(&settings.actions, socket, kKeeperSocket);
  ::posix_spawn_file_actions_addclosefrom_np(&settings.actions, kKeeperSocket + 1);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
  ::posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program;
  const std::array<char*, 2> arguments{name.data(), nullptr};
  std::vector<std::string> environment = environment_of_helper(symbols);
  // What a capture child resolves lazily is lost with it: 60 us of CPU in each.
  environment.emplace_back("LD_BIND_NOW=1");
  std::vector<char*> variables;
  for (std::string& variable : environment)
    variables.push_back(variable.data());
  variables.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(
      &pid,
      program.c_str(),
      &settings.actions,
      &settings.attributes,
      arguments.data(),
      variables.data()
  );
  if (error != 0) {
    return Error{errc_of(error), program + ": " + std::generic_category().message(error)};
  }
  return pid;
}

/// The keeper exits at once when its socket closes. If it does not, it is killed and left to init.
void reap(pid_t keeper, int pidfd) {
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, static_cast<int>(kKeeperEnds.count())) != 1) ::kill(keeper, SIGKILL);
  ::waitpid(keeper, nullptr, WNOHANG);
}

Error failure_in(std::string_view body) {
  const auto failure = codec::decode<CaptureFailure>(body);
  if (!failure) return {Errc::malformed, "the helper's answer cannot be read"};
  return {failure->code, failure->context};
}

template <typename T>
Result<T> value_in(const Answer& answer, MessageType wanted) {
  if (answer.type == MessageType::failed) return failure_in(answer.body);
  if (answer.type != wanted) return Error{Errc::malformed, "the helper gave another answer"};
  if constexpr (std::is_void_v<T>) {
    return boost::system::in_place_value;
  } else {
    auto value = codec::decode<T>(answer.body);
    if (!value) return Error{Errc::malformed, "the helper's answer cannot be read"};
    return *std::move(value);
  }
}

/// One question: its request's encoding, and the type of the answer that carries a T.
struct Question {
  MessageType type;
  std::string body;
  MessageType wanted;
};

template <typename T>
asio::awaitable<Result<T>>
ask(std::shared_ptr<ClientChannel> channel, Question question, milliseconds deadline) {
  const auto answer = co_await ClientChannel::ask(
      std::move(channel),
      question.type,
      std::move(question.body),
      deadline
  );
  if (!answer) co_return answer.error();
  co_return value_in<T>(*answer, question.wanted);
}

}  // namespace

struct SamplerClient::Impl {
  Impl(const asio::any_io_executor& executor, UniqueFd socket, pid_t pid, UniqueFd ended)
      : channel(std::make_shared<ClientChannel>(executor, std::move(socket))),
        keeper(pid),
        pidfd(executor, ended.release()) {}

  std::shared_ptr<ClientChannel> channel;  // shared: see client_channel.h
  pid_t keeper;
  asio::posix::stream_descriptor pidfd;
};

Result<std::unique_ptr<SamplerClient>> SamplerClient::start(
    const asio::any_io_executor& executor,
    const std::string& program,
    const Symbols& symbols
) {
  auto sockets = make_packet_sockets();
  if (!sockets) return sockets.error();
  const auto keeper = spawn_keeper(program, sockets->second.get(), symbols);
  if (!keeper) return keeper.error();
  UniqueFd pidfd = open_pidfd(*keeper);
  if (!pidfd) {
    const int error = errno;
    ::kill(*keeper, SIGKILL);
    ::waitpid(*keeper, nullptr, 0);
    return Error{Errc::io, "pidfd_open: " + std::generic_category().message(error)};
  }
  return std::unique_ptr<SamplerClient>(new SamplerClient(
      std::make_unique<Impl>(executor, std::move(sockets->first), *keeper, std::move(pidfd))
  ));
}

SamplerClient::SamplerClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SamplerClient::~SamplerClient() {
  impl_->channel->close();
  reap(impl_->keeper, impl_->pidfd.native_handle());
}

asio::awaitable<Result<Capture>>
SamplerClient::capture(CaptureRequest request, milliseconds deadline) {
  Question question{MessageType::capture, codec::encode(request), MessageType::captured};
  return ask<Capture>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<void>>
SamplerClient::prewarm(PrewarmRequest request, milliseconds deadline) {
  Question question{MessageType::prewarm, codec::encode(request), MessageType::prewarmed};
  return ask<void>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<ServerSurvey>>
SamplerClient::survey(SurveyRequest request, milliseconds deadline) {
  Question question{MessageType::survey, codec::encode(request), MessageType::surveyed};
  return ask<ServerSurvey>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<void>> SamplerClient::signal(SignalRequest request, milliseconds deadline) {
  Question question{MessageType::signal, codec::encode(request), MessageType::signalled};
  return ask<void>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<SyscallTrace>>
SamplerClient::trace(TraceRequest request, milliseconds deadline) {
  Question question{MessageType::trace, codec::encode(request), MessageType::traced};
  return ask<SyscallTrace>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<Glance>>
SamplerClient::glance(GlanceRequest request, milliseconds deadline) {
  Question question{MessageType::glance, codec::encode(request), MessageType::glanced};
  return ask<Glance>(impl_->channel, std::move(question), deadline);
}

asio::awaitable<Result<SamplerStats>> SamplerClient::stats(milliseconds deadline) {
  return ask<SamplerStats>(
      impl_->channel,
      {MessageType::stats, {}, MessageType::stats_reply},
      deadline
  );
}

pid_t SamplerClient::keeper_pid() const {
  return impl_->keeper;
}

asio::awaitable<void> SamplerClient::wait_keeper_exit() {
  auto& pidfd = impl_->pidfd;
  const auto [ignored] = co_await pidfd.async_wait(
      asio::posix::stream_descriptor::wait_read,
      asio::as_tuple(asio::use_awaitable)
  );
  static_cast<void>(ignored);
}

}  // namespace pghang::sampler
