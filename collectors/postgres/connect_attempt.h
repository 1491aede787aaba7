#pragma once

#include <future>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "collectors/postgres/libpq_handles.h"
#include "config/result.h"
#include "config/settings.h"

namespace pghang {

/// The part of connecting that can block without a bound, on its own short-lived thread: libpq's
/// service file, passfile and user name, our password_file, the resolver, and PQconnectStart().
/// An attempt that is destroyed early leaves its thread to end by itself and to free what it made.
class ConnectAttempt {
 public:
  /// Error: io, when no thread or pipe can be had.
  [[nodiscard]] static Result<ConnectAttempt>
  start(const boost::asio::any_io_executor& executor, Target target, Polling polling);

  [[nodiscard]] bool finished() const;

  /// Readable, with end of file, once finished.
  [[nodiscard]] boost::asio::posix::stream_descriptor& done() { return done_; }

  /// The started connection, for PQconnectPoll(). Waits unless finished; once only. Errors: those
  /// of parse_dsn(), resolve() and read_password_file().
  [[nodiscard]] Result<PgConnection> take() { return outcome_.get(); }

 private:
  ConnectAttempt(
      boost::asio::posix::stream_descriptor done,
      std::future<Result<PgConnection>> outcome
  );

  boost::asio::posix::stream_descriptor done_;
  std::future<Result<PgConnection>> outcome_;
};

}  // namespace pghang
