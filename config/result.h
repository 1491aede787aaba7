#pragma once

#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace pghang {

/// What callers branch on or count. Everything else about a failure is in `Error::context`.
enum class Errc {
  timeout,               ///< the deadline passed before an answer came
  disconnected,          ///< the other side (server, helper) is not there, or went away
  refused,               ///< the other side answered with a refusal; context holds its words
  permission_denied,     ///< EPERM/EACCES, or SQLSTATE 42501; context names what is needed
  not_found,             ///< the process, file or object does not exist (any more)
  identity_changed,      ///< the pid is there but belongs to another process than asked for
  busy,                  ///< a bounded queue or budget is full
  malformed,             ///< foreign bytes that do not parse
  unsupported,           ///< valid, but not something this build or server can do
  io,                    ///< any other system error; context holds errno's text
  too_many_connections,  ///< SQLSTATE 53300: no connection slot is left for this role
  connect_timeout,       ///< no connection came about in time: nobody accepts it
  start_up_timeout,      ///< connected, and then no answer: a stopped postmaster, authentication
};

/// Returns the enumerator's own spelling, used as metric label and in JSON.
[[nodiscard]] constexpr const char* to_string(Errc code) {
  switch (code) {
    case Errc::timeout: return "timeout";
    case Errc::disconnected: return "disconnected";
    case Errc::refused: return "refused";
    case Errc::permission_denied: return "permission_denied";
    case Errc::not_found: return "not_found";
    case Errc::identity_changed: return "identity_changed";
    case Errc::busy: return "busy";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::io: return "io";
    case Errc::too_many_connections: return "too_many_connections";
    case Errc::connect_timeout: return "connect_timeout";
    case Errc::start_up_timeout: return "start_up_timeout";
  }
  return "io";
}

/// A failure that can happen in production. `context` is one line for a person, without the code.
struct Error {
  Errc code = Errc::io;
  std::string context;

  friend bool operator==(const Error&, const Error&) = default;
};

/// A value or an Error. Callers test it before use; `value()` on an error is a broken invariant.
template <typename T>
using Result = boost::system::result<T, Error>;

/// Asked for by `boost::system::result` when `value()` is called on an error: that is a bug, so
/// the process ends and systemd restarts it.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& at);

}  // namespace pghang
