
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>

#include <boost/asio/steady_timer.hpp>

#include "tests/collectors/postgres/server_fixture.h"

namespace pghang::tests {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

using Disturbed = ServerTest;

/// A process held by SIGSTOP for the life of this object.
class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) { kill(pid_, SIGSTOP); }

  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  ~Stopped() { kill(pid_, SIGCONT); }

 private:
  pid_t pid_;
};

/// Measures how long the loop ever kept a 10 ms timer waiting.
class Ticker {
 public:
  explicit Ticker(asio::io_context& context) : timer_(context) { next(); }

  [[nodiscard]] milliseconds longest_gap() const {
    return std::chrono::duration_cast<milliseconds>(longest_);
  }

  void stop() { timer_.cancel(); }

 private:
  void next() {
    timer_.expires_after(milliseconds{10});
    timer_.async_wait([this](const boost::system::error_code& stopped) {
      if (stopped) return;
      const Clock::time_point now = Clock::now();
      longest_ = std::max(longest_, now - last_);
      last_ = now;
      next();
    });
  }

  asio::steady_timer timer_;
  Clock::time_point last_ = Clock::now();
  Clock::duration longest_{0};
};

std::ptrdiff_t thread_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST_F(Disturbed, StoppedPostmasterIsATimeoutWhileTheLoopTurnsAndIsKnownByItsSocket) {
  Connection connection = to(cluster().dsn());
  Ticker ticker(context());
  {
    const Stopped stopped(cluster().postmaster());
    const Clock::time_point begin = Clock::now();
    const Result<void> opened = run(connection.open(begin + seconds{2}));
    const auto took = Clock::now() - begin;
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::start_up_timeout) << opened.error().context;
    EXPECT_EQ(connection.server_process(), cluster().postmaster());
    EXPECT_GE(took, seconds{2});
    EXPECT_LT(took, seconds{10});
  }
  ticker.stop();
  // A blocked loop would show the whole two seconds.
  EXPECT_LT(ticker.longest_gap(), milliseconds{1500});
  EXPECT_TRUE(run(connection.open(within(seconds{20}))));
}

TEST_F(Disturbed, StoppedBackendIsATimeoutWhileTheLoopTurns) {
  Connection connection = open_as("monitor");
  const pid_t before = connection.backend_pid();
  Ticker ticker(context());
  {
    const Stopped stopped(before);
    const auto result = run(connection.query("SELECT 1", {}, within(seconds{2})));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::timeout);
    EXPECT_TRUE(run(connection.open(within(seconds{20}))));
  }
  ticker.stop();
  EXPECT_LT(ticker.longest_gap(), milliseconds{1500});
  EXPECT_NE(connection.backend_pid(), before);
}

TEST_F(Disturbed, ReaderThatNeverGetsItsStatementOutIsATimeout) {
  Connection connection = open_as("monitor");
  const Stopped stopped(connection.backend_pid());
  const auto result =
      run(connection.query("SELECT length($1)", {text_parameter(large_text())}, within(seconds{1}))
      );
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Errc::timeout, "timeout sending a statement"}));
}

TEST_F(Disturbed, BackendTerminatedBetweenStatementsIsDisconnectedWithTheServersWords) {
  Connection connection = open_as("monitor");
  Connection superuser = open_as("postgres");
  const pid_t before = connection.backend_pid();
  EXPECT_EQ(
      ask(superuser,
          "SELECT pg_terminate_backend($1, 20000)",
          {
              int4_parameter(before),
          })
          .boolean(0, 0),
      true
  );
  const auto result = run(connection.query("SELECT 1", {}, within(seconds{20})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::disconnected);
  EXPECT_FALSE(connection.connected());
  EXPECT_TRUE(run(connection.open(within(seconds{20}))));
  EXPECT_NE(connection.backend_pid(), before);
}

TEST_F(Disturbed, BackendTerminatedDuringAStatementIsDisconnectedWithTheServersWords) {
  Connection superuser = open_as("postgres");
  Session& session = start(open_as("monitor"), "SELECT pg_sleep(50)", superuser);
  ask(superuser,
      "SELECT pg_terminate_backend($1)",
      {int4_parameter(session.connection.backend_pid())});
  while (!session.outcome)
    ask(superuser, "SELECT 1");
  ASSERT_FALSE(*session.outcome);
  EXPECT_EQ(
      session.outcome->error(),
      (Error{Errc::disconnected, "terminating connection due to administrator command"})
  );
  EXPECT_FALSE(session.connection.connected());
}

TEST_F(Disturbed, BackendKilledDuringAStatementIsDisconnected) {
  // A cluster of its own: the postmaster restarts all of its backends after this.
  const Cluster own;
  ASSERT_TRUE(own.running());
  Connection connection = to(own.dsn());
  ASSERT_TRUE(run(connection.open(within(seconds{20}))));
  kill(connection.backend_pid(), SIGKILL);
  const auto result = run(connection.query("SELECT pg_sleep(50)", {}, within(seconds{20})));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::disconnected) << result.error().context;
  // While the postmaster recovers: refused by it, or nobody there; never a hang.
  Result<void> opened = run(connection.open(within(seconds{20})));
  for (int i = 0; i < 1000 && !opened; ++i) {
    EXPECT_EQ(opened.error().code, Errc::disconnected) << opened.error().context;
    opened = run(connection.open(within(seconds{20})));
  }
  EXPECT_TRUE(opened);
}

TEST_F(Disturbed, ServerStoppedAndStartedIsDisconnectedUntilItIsBack) {
  Connection unix_socket = open_as("monitor");
  Connection tcp = to(cluster().tcp_dsn("monitor"));
  ASSERT_TRUE(run(tcp.open(within(seconds{20}))));
  ASSERT_TRUE(cluster().control("stop -m fast"));
  for (Connection* connection : {&unix_socket, &tcp}) {
    const auto result = run(connection->query("SELECT 1", {}, within(seconds{20})));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::disconnected) << result.error().context;
    const Result<void> opened = run(connection->open(within(seconds{20})));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::disconnected) << opened.error().context;
  }
  ASSERT_TRUE(cluster().control("start"));
  for (Connection* connection : {&unix_socket, &tcp}) {
    ASSERT_TRUE(run(connection->open(within(seconds{20}))));
    EXPECT_EQ(ask(*connection, "SELECT 1").integer(0, 0), 1);
  }
}

TEST_F(Disturbed, PasswordFileThatBlocksIsATimeoutWhileTheLoopTurns) {
  // Nobody writes to it, so reading it blocks: as a file on a hung mount, or a resolver without
  // an answer.
  const std::string fifo = cluster().value("DIR") + "/fifo";
  ASSERT_TRUE(succeeds("mkfifo " + fifo));
  Connection connection = to(cluster().tcp_dsn("locked"), patient(), fifo);
  Ticker ticker(context());
  EXPECT_EQ(run(connection.open(within(seconds{1}))).error().code, Errc::connect_timeout);
  const std::ptrdiff_t threads = thread_count();
  EXPECT_EQ(run(connection.open(within(seconds{1}))).error().code, Errc::connect_timeout);
  EXPECT_EQ(thread_count(), threads) << "the second call waits for the reader of the first";
  ticker.stop();
  EXPECT_LT(ticker.longest_gap(), milliseconds{900});
  // Frees that reader; if it has ended before the next call, that one reads the file anew.
  const std::string freed = fifo + ".freed";
  ASSERT_TRUE(succeeds("mv " + fifo + " " + freed + " && echo hunter2 >" + fifo));
  // Opened for reading too, so that this never waits for a reader (fifo(7)).
  ASSERT_TRUE(succeeds("echo hunter2 1<>" + freed));
  const Result<void> opened = run(connection.open(within(seconds{20})));
  EXPECT_TRUE(opened) << opened.error().context;
}

}  // namespace
}  // namespace pghang::tests
