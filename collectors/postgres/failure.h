#pragma once

#include <string>
#include <string_view>

#include <libpq-fe.h>

#include "config/result.h"

namespace pghang {

/// Text of libpq or the server as one line, without the LOCATION lines of verbose messages.
[[nodiscard]] std::string one_line(std::string_view text);

/// The error of a failed start-up, from libpq's message. libpq gives no SQLSTATE for these, and the
/// words follow the server's lc_messages, so the message has to be a verbose one
/// (PQERRORS_VERBOSE): `FATAL:  28P01: password ...`. SQLSTATE class 28 and 42501 are
/// permission_denied, 57P0x and no SQLSTATE at all are disconnected, 53300 is
/// too_many_connections, everything else is refused.
[[nodiscard]] Error connect_failure(std::string_view message);

/// The error of a statement that the server answered with ERROR or FATAL. 42501 is
/// permission_denied, 57014 (its statement_timeout ended it) timeout, everything else refused.
[[nodiscard]] Error statement_failure(const PGresult* result);

}  // namespace pghang
