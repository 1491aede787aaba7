#include <libpq-fe.h>

#include "collectors/postgres/connection_impl.h"
#include "collectors/postgres/query_result_impl.h"

namespace pghang {
namespace asio = boost::asio;

namespace {

constexpr int kBinary = 1;

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

}  // namespace

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
  co_return co_await answer(deadline);
}

asio::awaitable<Result<QueryResult>> Connection::query_prepared(
    std::string sql,
    std::vector<QueryParameter> parameters,
    Deadline deadline
) {
  if (!connected()) {
    impl_->drop();
    co_return Error{Errc::disconnected, "not connected"};
  }
  PGconn* const connection = impl_->connection.get();
  const ParameterArrays arrays(parameters);
  const auto count = static_cast<int>(parameters.size());
  auto known = impl_->statements.find(sql);
  if (known == impl_->statements.end()) {
    const std::string name = "pghangd_" + std::to_string(impl_->statements.size());
    const bool sent =
        PQsendPrepare(connection, name.c_str(), sql.c_str(), count, arrays.types.data()) != 0;
    if (!sent) co_return impl_->lost_with_message();
    const Result<QueryResult> done = co_await answer(deadline);
    if (!done) co_return done.error();
    known = impl_->statements.emplace(std::move(sql), name).first;
  }
  impl_->notices.clear();
  if (PQsendQueryPrepared(
          connection,
          known->second.c_str(),
          count,
          arrays.values.data(),
          arrays.lengths.data(),
          arrays.formats.data(),
          kBinary
      ) == 0) {
    co_return impl_->lost_with_message();
  }
  co_return co_await answer(deadline);
}

/// To the statement that libpq has been given.
asio::awaitable<Result<QueryResult>> Connection::answer(Deadline deadline) {
  const Result<void> sent = co_await impl_->send(deadline);
  if (!sent) co_return sent.error();
  Result<PgResult> received = co_await impl_->receive(deadline);
  if (!received) co_return received.error();
  QueryResult result;
  result.impl_->result = std::move(*received);
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
