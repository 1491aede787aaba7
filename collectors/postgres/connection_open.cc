#include <sys/socket.h>

#include <libpq-fe.h>

#include "collectors/postgres/connection_impl.h"

namespace pghang {
namespace asio = boost::asio;

namespace {

// The last column teaches the backend's malloc to keep memory: glibc gives what is free at the end
// of the heap back to the kernel where it is more than twice the largest piece that was ever mapped
// and freed (mallopt(3), M_TRIM_THRESHOLD), here 8 MB. A look at 1,000 sessions takes 2.5 MB, which
// each poll gave back and took again: 440 page faults, 40 % of its CPU (15.20).
constexpr const char* kIdentify = R"(
SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
       pg_catalog.inet_client_port(), backend_start,
       pg_catalog.octet_length(pg_catalog.repeat(' ', 8388608))
  FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()))";

void keep_notice(void* notices, const PGresult* notice) {
  const char* primary = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  if (primary != nullptr) static_cast<std::vector<std::string>*>(notices)->emplace_back(primary);
}

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

Error Connection::Impl::no_start_up(Waited waited) {
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
  const Result<QueryResult> may = co_await query(kIdentify, {}, deadline);
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

}  // namespace pghang
