// What the poll and the question who waits for whom cost a server, by its own clock and by ours.
// tests/bench/lock_waiters makes the server.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/postgres/activity_collector.h"
#include "collectors/postgres/lock_collector.h"

namespace pghang {
namespace {

constexpr int kRounds = 50;
constexpr std::chrono::seconds kPatience{30};

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void print(const char* what, std::vector<double> values) {
  std::ranges::sort(values);
  std::printf(
      "%-28s median %7.2f ms   max %7.2f ms\n",
      what,
      values[values.size() / 2],
      values.back()
  );
}

boost::asio::awaitable<void> measure(Connection& connection) {
  const Result<void> opened = co_await connection.open(Clock::now() + kPatience);
  if (!opened) {
    std::fprintf(stderr, "lock_bench: %s\n", opened.error().context.c_str());
    co_return;
  }
  std::vector<double> polls;
  std::vector<double> locks;
  std::vector<double> server;
  LockSnapshot last;
  for (int round = 0; round < kRounds; ++round) {
    Clock::time_point start = Clock::now();
    const auto activity = co_await collect_activity(connection, {}, start + kPatience);
    polls.push_back(milliseconds_since(start));
    LockQuestion question{{}, kPatience};
    start = Clock::now();
    auto snapshot = co_await collect_locks(connection, std::move(question), start + kPatience);
    locks.push_back(milliseconds_since(start));
    if (!activity || !snapshot) co_return;
    last = std::move(*snapshot);
    server.push_back(static_cast<double>(last.server_time.count()) / 1000);
  }
  std::printf("%ld waiters, %zu listed\n", static_cast<long>(last.waiters), last.waits.size());
  print("poll, round trip", polls);
  print("locks, by the server", server);
  print("locks, all round trips", locks);
}

}  // namespace
}  // namespace pghang

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: lock_bench DSN\n");
    return 64;
  }
  boost::asio::io_context loop(1);
  pghang::Target target;
  target.dsn = argv[1];
  pghang::Connection connection(loop.get_executor(), target, pghang::Polling{});
  boost::asio::co_spawn(loop, pghang::measure(connection), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  loop.run();
  return 0;
}
