#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "collectors/evidence/activity.h"
#include "collectors/postgres/connection.h"
#include "config/settings.h"

namespace pghang {

/// Which rows a poll brings besides every backend that is neither idle nor without a state.
struct ActivityFilter {
  bool idle = false;       ///< a rule asks for `idle` sessions too
  bool auxiliary = false;  ///< a rule asks for processes that report no state (checkpointer, ...)
  std::uint32_t query_text_bytes = 1024;

  friend bool operator==(const ActivityFilter&, const ActivityFilter&) = default;
};

/// What the rules need from a poll.
[[nodiscard]] ActivityFilter filter_for(const Settings& settings);

/// The poll's statement for a server version (server_version_num, 100000 and later). One statement:
/// counts by state and the filtered rows together. Parameters: idle, auxiliary, query_text_bytes.
[[nodiscard]] std::string activity_sql(int server_version_num);

/// Runs one poll on an open connection. Our own session is never in it. Columns that the role may
/// not see come as NULL, as the server gives them.
[[nodiscard]] boost::asio::awaitable<Result<ActivitySnapshot>>
collect_activity(Connection& connection, ActivityFilter filter, Deadline deadline);

}  // namespace pghang
