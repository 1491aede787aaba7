#include "collectors/postgres/connect_attempt.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "collectors/postgres/connect_options.h"
#include "collectors/postgres/host_list.h"
#include "collectors/postgres/password_file.h"
#include "collectors/postgres/session_setup.h"

namespace pghang {
namespace {

Result<PgConnection> prepare(const Target& target, const Polling& polling) {
  Result<ConnectOptions> options = effective_options(target.dsn);
  if (!options) return options.error();
  if (!target.password_file.empty()) {
    const Result<std::string> password = read_password_file(target.password_file);
    if (!password) return password.error();
    (*options)["password"] = *password;
  }
  std::vector<HostEntry> hosts = host_entries(*options);
  if (!hosts.empty()) {
    Result<std::vector<HostEntry>> resolved = resolve(hosts, system_resolver);
    if (!resolved) return resolved.error();
    hosts = std::move(*resolved);
    set_host_entries(*options, hosts);
  }
  pin_session(*options, polling, hosts.size());
  return start_connection(*options);
}

/// The daemon's signals are for its loop, and would end a read of libpq's halfway.
void block_signals() {
  sigset_t all{};
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

Error no_thread(const std::error_code& error) {
  return {Errc::io, "cannot start connecting: " + error.message()};
}

}  // namespace

ConnectAttempt::ConnectAttempt(
    boost::asio::posix::stream_descriptor done,
    std::future<Result<PgConnection>> outcome
)
    : done_(std::move(done)),
      outcome_(std::move(outcome)) {}

Result<ConnectAttempt> ConnectAttempt::start(
    const boost::asio::any_io_executor& executor,
    Target target,
    Polling polling
) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return no_thread({errno, std::generic_category()});
  boost::asio::posix::stream_descriptor done(executor);
  boost::system::error_code unusable;
  done.assign(ends[0], unusable);
  if (unusable) {
    close(ends[0]);
    close(ends[1]);
    return no_thread(unusable);
  }
  try {
    std::promise<Result<PgConnection>> promise;
    std::future<Result<PgConnection>> outcome = promise.get_future();
    std::thread([promise = std::move(promise),
                 target = std::move(target),
                 polling,
                 finished = ends[1]]() mutable {
      block_signals();
      promise.set_value(prepare(target, polling));
      close(finished);
    }).detach();
    return ConnectAttempt(std::move(done), std::move(outcome));
  } catch (const std::system_error& error) {
    close(ends[1]);
    return no_thread(error.code());
  }
}

bool ConnectAttempt::finished() const {
  return outcome_.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

}  // namespace pghang
