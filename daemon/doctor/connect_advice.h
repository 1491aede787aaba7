#pragma once

#include <string>

#include "config/result.h"
#include "daemon/doctor/facts.h"

namespace pghang::doctor {

/// What to do about a connection that failed. The server's words decide where they are English;
/// otherwise, and where they are new, what the kind of error leaves possible.
[[nodiscard]] std::string connect_advice(const Error& error, const Target& target);

}  // namespace pghang::doctor
