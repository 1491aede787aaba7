#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "collectors/postgres/connection.h"

namespace pghang {

enum class Waited {
  ready,    ///< what was waited for, or an error that the next read or write will show
  timeout,  ///< the deadline passed first
  aborted,  ///< the caller's coroutine was cancelled
};

enum class Readiness { read, write, read_or_write };

/// Waits until a descriptor is ready. The descriptor has to outlive the wait.
[[nodiscard]] boost::asio::awaitable<Waited> wait_ready(
    boost::asio::posix::stream_descriptor& descriptor,
    Readiness readiness,
    Deadline deadline
);

}  // namespace pghang
