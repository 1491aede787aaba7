#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "collectors/postgres/connect_attempt.h"
#include "collectors/postgres/connection.h"
#include "collectors/postgres/failure.h"
#include "collectors/postgres/libpq_handles.h"
#include "collectors/postgres/wait_ready.h"

namespace pghang {

/// The state of a connection, and what of it speaks to libpq.
struct Connection::Impl {
  Impl(const boost::asio::any_io_executor& executor, Target server, Polling limits)
      : target(std::move(server)),
        polling(limits),
        socket(executor) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() { drop(); }

  void drop() {
    ready = false;
    if (socket.is_open()) socket.release();
    system_identifier.clear();
    client_port = 0;
    backend_start.reset();
    statements.clear();
    connection.reset();
  }

  Error lost(Errc code, std::string context) {
    drop();
    return {code, std::move(context)};
  }

  Error lost_with_message() {
    return lost(Errc::disconnected, one_line(PQerrorMessage(connection.get())));
  }

  /// Who listens is told by the socket before he answers anything, and if he never does.
  [[nodiscard]] Error no_start_up(Waited waited);

  Error not_ready(Waited waited, const char* activity) {
    if (waited == Waited::timeout) return lost(Errc::timeout, std::string("timeout ") + activity);
    return lost(Errc::disconnected, std::string("aborted ") + activity);
  }

  /// libpq owns its socket, closes it when it likes and may get the same number for the next, so
  /// the descriptor has it only while waiting.
  boost::asio::awaitable<Waited> wait_socket(Readiness readiness, Deadline deadline) {
    boost::system::error_code unusable;
    socket.assign(PQsocket(connection.get()), unusable);
    if (unusable) co_return Waited::aborted;
    const Waited waited = co_await wait_ready(socket, readiness, deadline);
    socket.release();
    co_return waited;
  }

  /// Leaves a connection that PQconnectPoll() can be called on.
  boost::asio::awaitable<Result<void>> begin(Deadline deadline);
  boost::asio::awaitable<Result<void>> connect(Deadline deadline);
  boost::asio::awaitable<Result<void>> send(Deadline deadline);
  boost::asio::awaitable<Result<PgResult>> receive(Deadline deadline);

  Target target;
  Polling polling;
  std::optional<ConnectAttempt> attempt;
  std::vector<std::string> notices;  // before connection, whose notice receiver writes to it
  PgConnection connection;
  boost::asio::posix::stream_descriptor socket;
  std::string system_identifier;
  std::uint16_t client_port = 0;
  std::optional<PgTimestamp> backend_start;
  std::map<std::string, std::string> statements;  ///< prepared: their names, by text
  pid_t server_process = 0;
  std::uint64_t sessions = 0;
  bool ready = false;
};

}  // namespace pghang
