#pragma once

#include "collectors/postgres/connect_options.h"
#include "config/settings.h"

namespace pghang {

/// Sets what every session of ours has, over anything that the DSN, a service or the environment
/// says: application name, encoding, search_path and server-side time limits (in `options`, which
/// also win over ALTER ROLE ... SET). Keepalives and tcp_user_timeout are set where they are not.
/// `attempts` is the number of places libpq may try: each gets its share of connect_timeout before
/// a dead one is passed over.
void pin_session(ConnectOptions& options, const Polling& polling, std::size_t attempts);

}  // namespace pghang
