#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "collectors/postgres/activity_collector.h"
#include "collectors/postgres/connection.h"
#include "tests/collectors/postgres/cluster.h"

namespace pghang::tests {

/// Starts one cluster for the program, with the roles that the tests use: `monitor` (pg_monitor and
/// pg_signal_backend), `nobody` (no grant at all), `relaxed` (whose own settings lift all limits),
/// `full` (connection limit 0) and `locked` (needs the password `hunter2` over TCP).
class ClusterEnvironment : public ::testing::Environment {
 public:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] static Cluster& cluster();

 private:
  [[nodiscard]] static std::unique_ptr<Cluster>& holder();
};

/// A statement under way on a connection of its own.
struct Session {
  Connection connection;
  std::optional<Result<QueryResult>> outcome;
};

/// Runs awaitables on its own loop, one after the other or with sessions in the background.
class ServerTest : public ::testing::Test {
 protected:
  void TearDown() override;

  [[nodiscard]] static Deadline within(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
  }

  [[nodiscard]] static Cluster& cluster() { return ClusterEnvironment::cluster(); }

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  /// Turns the loop until the operation is done. A loop without work left is a failure.
  template <typename T>
  T run(boost::asio::awaitable<T> operation) {
    std::optional<T> outcome;
    std::exception_ptr thrown;
    boost::asio::co_spawn(
        context_,
        std::move(operation),
        [&](std::exception_ptr exception, T value) {
          thrown = std::move(exception);
          outcome.emplace(std::move(value));
        }
    );
    context_.restart();
    while (!outcome && context_.run_one() > 0) {
    }
    if (thrown) std::rethrow_exception(thrown);
    return std::move(outcome.value());
  }

  [[nodiscard]] Connection
  to(const std::string& dsn, Polling polling = patient(), std::string password_file = {});
  /// Open, on the UNIX socket.
  [[nodiscard]] Connection open_as(const std::string& user, Polling polling = patient());
  /// A statement that has to succeed.
  QueryResult
  ask(Connection& connection, const std::string& sql, std::vector<QueryParameter> parameters = {});
  /// Its one text value.
  std::string ask_text(Connection& connection, const std::string& sql);
  [[nodiscard]] ActivitySnapshot
  poll(Connection& connection, bool idle = false, bool auxiliary = false);
  /// Starts a statement and turns the loop until `observer` sees it active with that text.
  Session& start(Connection connection, std::string sql, Connection& observer);

  /// Limits that no test meets by accident.
  [[nodiscard]] static Polling patient();

 private:
  boost::asio::io_context context_;
  std::vector<std::unique_ptr<Session>> sessions_;
};

/// 20 MB: more than a socket takes at once.
[[nodiscard]] std::string large_text();
[[nodiscard]] const Activity* find_row(const ActivitySnapshot& snapshot, pid_t pid);
[[nodiscard]] std::int64_t sessions_in(const ActivitySnapshot& snapshot, std::string_view state);

}  // namespace pghang::tests
