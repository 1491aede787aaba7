#include "collectors/postgres/connection.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <libpq-fe.h>

#include "collectors/postgres/connect_attempt.h"
#include "collectors/postgres/failure.h"
#include "collectors/postgres/libpq_handles.h"
#include "collectors/postgres/query_result_impl.h"
#include "collectors/postgres/wait_ready.h"

namespace pghang {
namespace asio = boost::asio;

namespace {

constexpr int kBinary = 1;

void keep_notice(void* notices, const PGresult* notice) {
  const char* primary = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  if (primary != nullptr) static_cast<std::vector<std::string>*>(notices)->emplace_back(primary);
}

/// The arrays that PQsendQueryParams() takes, pointing into the parameters.
struct ParameterArrays {
  explicit ParameterArrays(const std::vector<QueryParameter>& parameters)
      : formats(parameters.size(), kBinary) {
    for (const QueryParameter& parameter : parameters) {
      types.push_back(parameter.type_oid);
      values.push_back(parameter.bytes ? parameter.bytes->data() : nullptr);
      lengths.push_back(parameter.bytes ? static_cast<int>(parameter.bytes->size()) : 0);
    }
  }

  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

/// unix(7): the credentials of who called listen().
pid_t listener_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const bool local = ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                     address.ss_family == AF_UNIX;
  if (!local || ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
  return peer.pid;
}

}  // namespace

struct Connection::Impl {
  Impl(const asio::any_io_executor& executor, Target server, Polling limits)
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
  Error no_start_up(Waited waited) {
    if (waited != Waited::timeout) return lost(Errc::disconnected, "aborted connecting");
    switch (PQstatus(connection.get())) {
      case CONNECTION_STARTED:
        return lost(
            Errc::connect_timeout,
            "timeout connecting: nobody accepts the connection (network, firewall, a full backlog)"
        );
      case CONNECTION_AUTH_OK:
        return lost(
            Errc::start_up_timeout,
            "timeout connecting: authenticated, and then the session does not start"
        );
      default:
        return lost(
            Errc::start_up_timeout,
            "timeout connecting: the server took the connection and does not answer (its "
            "postmaster "
            "is stopped, or authentication hangs)"
        );
    }
  }

  Error not_ready(Waited waited, const char* activity) {
    if (waited == Waited::timeout) return lost(Errc::timeout, std::string("timeout ") + activity);
    return lost(Errc::disconnected, std::string("aborted ") + activity);
  }

  /// libpq owns its socket, closes it when it likes and may get the same number for the next, so
  /// the descriptor has it only while waiting.
  asio::awaitable<Waited> wait_socket(Readiness readiness, Deadline deadline) {
    boost::system::error_code unusable;
    socket.assign(PQsocket(connection.get()), unusable);
    if (unusable) co_return Waited::aborted;
    const Waited waited = co_await wait_ready(socket, readiness, deadline);
    socket.release();
    co_return waited;
  }

  asio::awaitable<Result<void>> begin(Deadline deadline);
  asio::awaitable<Result<void>> connect(Deadline deadline);
  asio::awaitable<Result<void>> send(Deadline deadline);
  asio::awaitable<Result<PgResult>> receive(Deadline deadline);

  Target target;
  Polling polling;
  std::optional<ConnectAttempt> attempt;
  std::vector<std::string> notices;  // before connection, whose notice receiver writes to it
  PgConnection connection;
  asio::posix::stream_descriptor socket;
  std::string system_identifier;
  std::uint16_t client_port = 0;
  std::optional<PgTimestamp> backend_start;
  pid_t server_process = 0;
  std::uint64_t sessions = 0;
  bool ready = false;
};

/// Leaves a connection that PQconnectPoll() can be called on.
asio::awaitable<Result<void>> Connection::Impl::begin(Deadline deadline) {
  // A result that came after its call had ended is as old as that call.
  if (attempt && attempt->finished()) attempt.reset();
  if (!attempt) {
    Result<ConnectAttempt> started = ConnectAttempt::start(socket.get_executor(), target, polling);
    if (!started) co_return started.error();
    attempt.emplace(std::move(*started));
  }
  const Waited waited = co_await wait_ready(attempt->done(), Readiness::read, deadline);
  if (waited != Waited::ready) {
    co_return waited == Waited::timeout
        ? lost(Errc::connect_timeout, "timeout resolving the host name or reading the passfile")
        : not_ready(waited, "resolving the host name or reading the passfile");
  }
  Result<PgConnection> prepared = attempt->take();
  attempt.reset();
  if (!prepared) co_return prepared.error();
  connection = std::move(*prepared);
  if (!connection) co_return Error{Errc::io, "out of memory"};
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::Impl::connect(Deadline deadline) {
  Result<void> begun = co_await begin(deadline);
  if (!begun) co_return begun;
  notices.clear();
  PQsetNoticeReceiver(connection.get(), &keep_notice, &notices);
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType status =
      PQstatus(connection.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) {
      const Error failure = connect_failure(PQerrorMessage(connection.get()));
      const bool no_password = PQconnectionNeedsPassword(connection.get()) != 0;
      co_return lost(no_password ? Errc::permission_denied : failure.code, failure.context);
    }
    const Readiness readiness =
        status == PGRES_POLLING_READING ? Readiness::read : Readiness::write;
    const Waited waited = co_await wait_socket(readiness, deadline);
    if (const pid_t listener = listener_of(PQsocket(connection.get())); listener != 0)
      server_process = listener;
    if (waited != Waited::ready) co_return no_start_up(waited);
    status = PQconnectPoll(connection.get());
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  // Not earlier: libpq takes a start-up packet that is not sent at once for an error.
  PQsetnonblocking(connection.get(), 1);
  server_process = listener_of(PQsocket(connection.get()));
  ++sessions;
  ready = true;
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::Impl::send(Deadline deadline) {
  for (;;) {
    const int unsent = PQflush(connection.get());
    if (unsent < 0) co_return lost_with_message();
    if (unsent == 0) co_return Result<void>();
    // A server whose own buffer is full of what it tells us reads no more until we have read that.
    const Waited waited = co_await wait_socket(Readiness::read_or_write, deadline);
    if (waited != Waited::ready) co_return not_ready(waited, "sending a statement");
    if (PQconsumeInput(connection.get()) == 0) co_return lost_with_message();
  }
}

asio::awaitable<Result<PgResult>> Connection::Impl::receive(Deadline deadline) {
  PgResult answer;
  std::optional<Error> failure;
  for (;;) {
    while (PQisBusy(connection.get()) != 0) {
      const Waited waited = co_await wait_socket(Readiness::read, deadline);
      if (waited != Waited::ready) co_return not_ready(waited, "waiting for the server's answer");
      if (PQconsumeInput(connection.get()) == 0) {
        // After a FATAL error its words say more than libpq's about the closed socket.
        if (failure) co_return lost(Errc::disconnected, failure->context);
        co_return lost_with_message();
      }
    }
    PgResult next(PQgetResult(connection.get()));
    if (!next) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      co_return lost(Errc::unsupported, "COPY is not for this connection");
    }
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      answer = std::move(next);
    } else if (!failure) {
      failure = statement_failure(next.get());
    }
  }
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    co_return lost(
        Errc::disconnected,
        failure ? failure->context : one_line(PQerrorMessage(connection.get()))
    );
  }
  if (failure) co_return *failure;
  co_return std::move(answer);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the contract; Asio copies it in any case
Connection::Connection(asio::any_io_executor executor, Target target, Polling polling)
    : impl_(std::make_unique<Impl>(executor, std::move(target), polling)) {}

Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

asio::awaitable<Result<void>> Connection::open(Deadline deadline) {
  if (connected()) co_return Result<void>();
  impl_->drop();
  Result<void> opened = co_await impl_->connect(deadline);
  if (!opened) co_return opened;
  co_return co_await identify(deadline);
}

asio::awaitable<Result<void>> Connection::identify(Deadline deadline) {
  // Two statements: the server checks EXECUTE when a plan starts, so no CASE in front of the call
  // avoids the error (and its line in the server's log).
  const Result<QueryResult> may = co_await query(
      "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),"
      " pg_catalog.inet_client_port(), backend_start"
      " FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())",
      {},
      deadline
  );
  if (!connected()) co_return may.error();
  if (may) {
    impl_->client_port = static_cast<std::uint16_t>(may->integer(0, 1).value_or(0));
    impl_->backend_start = may->timestamp(0, 2);
  }
  if (!may || may->boolean(0, 0) != true) co_return Result<void>();
  const Result<QueryResult> identifier = co_await query(
      "SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()",
      {},
      deadline
  );
  if (!connected()) co_return identifier.error();
  if (identifier) impl_->system_identifier = identifier->text(0, 0).value_or("");
  co_return Result<void>();
}

asio::awaitable<Result<QueryResult>>
Connection::query(std::string sql, std::vector<QueryParameter> parameters, Deadline deadline) {
  if (!connected()) {
    impl_->drop();
    co_return Error{Errc::disconnected, "not connected"};
  }
  impl_->notices.clear();
  const ParameterArrays arrays(parameters);
  if (PQsendQueryParams(
          impl_->connection.get(),
          sql.c_str(),
          static_cast<int>(parameters.size()),
          arrays.types.data(),
          arrays.values.data(),
          arrays.lengths.data(),
          arrays.formats.data(),
          kBinary
      ) == 0) {
    co_return impl_->lost_with_message();
  }
  const Result<void> sent = co_await impl_->send(deadline);
  if (!sent) co_return sent.error();
  Result<PgResult> answer = co_await impl_->receive(deadline);
  if (!answer) co_return answer.error();
  QueryResult result;
  result.impl_->result = std::move(*answer);
  result.impl_->notices = std::move(impl_->notices);
  co_return std::move(result);
}

bool Connection::connected() const {
  return impl_->ready && PQstatus(impl_->connection.get()) == CONNECTION_OK;
}

int Connection::server_version() const {
  return connected() ? PQserverVersion(impl_->connection.get()) : 0;
}

pid_t Connection::backend_pid() const {
  return connected() ? PQbackendPID(impl_->connection.get()) : 0;
}

pid_t Connection::server_process() const {
  return impl_->server_process;
}

const std::string& Connection::system_identifier() const {
  return impl_->system_identifier;
}

std::uint16_t Connection::client_port() const {
  return impl_->client_port;
}

std::optional<PgTimestamp> Connection::backend_start() const {
  return impl_->backend_start;
}

std::uint64_t Connection::sessions() const {
  return impl_->sessions;
}

void Connection::close() {
  impl_->drop();
}

}  // namespace pghang
