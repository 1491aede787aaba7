#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"
#include "tests/collectors/stack/gdb_backtrace.h"
#include "tests/collectors/stack/take.h"

/// Backends of a real PostgreSQL server, stock and stripped, against gdb.
namespace pghang::test {
namespace {

using Names = std::vector<std::string>;

constexpr std::chrono::seconds kPatience{20};

/// A throwaway server (scripts/cluster), removed with its owner.
class Cluster {
 public:
  Cluster() {
    std::istringstream lines(output_of("exec " PGHANG_SOURCE_DIR
                                       "/scripts/cluster start 2>/dev/null"));
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("DIR=", 0) == 0) dir_ = line.substr(4);
      if (line.rfind("PGHOST=", 0) == 0) host_ = line.substr(7);
      if (line.rfind("PGPORT=", 0) == 0) port_ = line.substr(7);
    }
  }

  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  ~Cluster() {
    if (!dir_.empty())
      (void)output_of(PGHANG_SOURCE_DIR "/scripts/cluster stop --immediate " + dir_);
  }

  [[nodiscard]] bool running() const { return !dir_.empty(); }

  [[nodiscard]] const std::string& dir() const { return dir_; }

  /// Arguments of psql, without the statement.
  [[nodiscard]] std::vector<std::string> psql(const std::string& name) const {
    return {
        "psql",
        "-XAtq",
        "-c",
        "",
        "host=" + host_ + " port=" + port_ +
            " user=postgres dbname=postgres application_name=" + name};
  }

  [[nodiscard]] std::string query(const std::string& sql) const {
    std::string command;
    std::vector<std::string> arguments = psql("stack_test");
    arguments[3] = sql;
    for (const std::string& argument : arguments)
      command += "'" + argument + "' ";
    return output_of(command + " 2>/dev/null");
  }

 private:
  std::string dir_;
  std::string host_;
  std::string port_;
};

/// A statement that runs in a backend of its own until its owner ends.
class Session {
 public:
  Session(const Cluster& cluster, const std::string& name, const std::string& sql) {
    std::vector<std::string> arguments = cluster.psql(name);
    arguments[3] = sql;
    std::vector<char*> raw;
    raw.reserve(arguments.size() + 1);
    for (std::string& argument : arguments)
      raw.push_back(argument.data());
    raw.push_back(nullptr);
    client_ = ::fork();
    if (client_ == 0) {
      ::close(STDERR_FILENO);
      ::execvp(raw[0], raw.data());
      ::_exit(1);
    }
    const std::string find =
        "select pid from pg_stat_activity where state = $$active$$ and application_name = $$" +
        name + "$$";
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (backend_ <= 0 && std::chrono::steady_clock::now() < give_up) {
      std::istringstream answer(cluster.query(find));
      answer >> backend_;
    }
  }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session() {
    if (client_ <= 0) return;
    ::kill(client_, SIGKILL);
    ::waitpid(client_, nullptr, 0);
  }

  [[nodiscard]] pid_t backend() const { return backend_; }

  /// Waits until the stack shows `function`: the statement has arrived where it will hang.
  [[nodiscard]] StackTrace trace_with(const std::string& function, const std::string& root) const {
    StackTrace trace;
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < give_up) {
      const auto snapshot = take(backend_);
      if (snapshot) trace = trace_of(*snapshot, root);
      for (const std::string& name : names(trace))
        if (name == function) return trace;
    }
    return trace;
  }

 private:
  pid_t client_ = -1;
  pid_t backend_ = -1;
};

/// A way to hang.
struct Hang {
  std::string name;
  std::string setup;
  std::string sql;        ///< `@FIFO@` stands for a FIFO that nobody opens
  std::string innermost;  ///< a function that is on the stack when it hangs
  CaptureMethod method;
  Names some_frames;  ///< named frames that must follow each other in this order
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Hang& hang, std::ostream* out) {
  *out << hang.name;
}

bool in_order(const Names& all, const Names& wanted) {
  std::size_t next = 0;
  for (const std::string& name : all)
    if (next < wanted.size() && name == wanted[next]) ++next;
  return next == wanted.size();
}

class Backend : public testing::TestWithParam<Hang> {
 protected:
  static void SetUpTestSuite() { cluster() = std::make_unique<Cluster>(); }

  static void TearDownTestSuite() { cluster().reset(); }

  static std::unique_ptr<Cluster>& cluster() {
    static std::unique_ptr<Cluster> instance;
    return instance;
  }

  /// Starts the hang of this test.
  static std::unique_ptr<Session> start() {
    const std::string fifo = cluster()->dir() + "/fifo";
    constexpr mode_t anyone = 0666;
    if (::mkfifo(fifo.c_str(), anyone) == 0) (void)::chmod(fifo.c_str(), anyone);
    std::string sql = GetParam().sql;
    if (const std::size_t at = sql.find("@FIFO@"); at != std::string::npos) {
      sql.replace(at, 6, fifo);
    }
    if (!GetParam().setup.empty()) (void)cluster()->query(GetParam().setup);
    return std::make_unique<Session>(*cluster(), GetParam().name, sql);
  }
};

TEST_P(Backend, UnwindsToItsStart) {
  ASSERT_TRUE(cluster()->running()) << "scripts/cluster could not start a server";
  const auto session = start();
  ASSERT_GT(session->backend(), 0);
  const StackTrace trace = session->trace_with(GetParam().innermost, "");
  EXPECT_TRUE(trace.complete) << trace.stop_reason;
  EXPECT_EQ(trace.method, GetParam().method);
  EXPECT_TRUE(in_order(names(trace), GetParam().some_frames))
      << testing::PrintToString(names(trace));
  const ProcessState state = state_of(session->backend());
  EXPECT_TRUE(state == ProcessState::running || state == ProcessState::sleeping);
}

TEST_P(Backend, HasTheNamesThatGdbGives) {
  ASSERT_TRUE(cluster()->running()) << "scripts/cluster could not start a server";
  const auto session = start();
  ASSERT_GT(session->backend(), 0);
  for (const bool debug_files : {false, true}) {
    const std::string root = debug_files ? "/usr/lib/debug" : "";
    (void)session->trace_with(GetParam().innermost, "");
    // A spinning one may be caught in another function each time: three tries.
    std::string difference;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto snapshot = take(session->backend());
      ASSERT_TRUE(snapshot) << snapshot.error().context;
      std::size_t compared = 0;
      difference = differences(
          trace_of(*snapshot, root),
          gdb_backtrace(session->backend(), debug_files),
          compared
      );
      EXPECT_GE(compared, 7U);
      if (difference.empty()) break;
    }
    EXPECT_EQ(difference, "");
  }
}

TEST_P(Backend, IsSeenWhileItIsStopped) {
  ASSERT_TRUE(cluster()->running()) << "scripts/cluster could not start a server";
  const auto session = start();
  ASSERT_GT(session->backend(), 0);
  (void)session->trace_with(GetParam().innermost, "");
  ::kill(session->backend(), SIGSTOP);
  ASSERT_TRUE(wait_for_state(session->backend(), ProcessState::stopped));
  const auto snapshot = take_in_place(session->backend());
  EXPECT_TRUE(snapshot);
  if (snapshot) {
    const StackTrace trace = trace_of(*snapshot, "");
    EXPECT_TRUE(trace.complete) << trace.stop_reason;
    EXPECT_TRUE(in_order(names(trace), {"PostgresMain", "PostmasterMain", "main"}));
  }
  EXPECT_EQ(take_ptrace_stop(session->backend()).error().code, Errc::refused);
  EXPECT_EQ(state_of(session->backend()), ProcessState::stopped);
  ::kill(session->backend(), SIGCONT);
}

INSTANTIATE_TEST_SUITE_P(
    Hangs,
    Backend,
    testing::Values(
        Hang{
            "copy_from_fifo",
            "create table if not exists t (x text)",
            "copy t from '@FIFO@'",
            "AllocateFile",
            CaptureMethod::in_place,
            {"AllocateFile", "BeginCopyFrom", "DoCopy", "PortalRun", "PostgresMain", "main"}},
        Hang{
            "pg_sleep",
            "",
            "select pg_sleep(10000)",
            "pg_sleep",
            CaptureMethod::in_place,
            {"epoll_wait", "WaitEventSetWait", "WaitLatch", "pg_sleep", "PostgresMain", "main"}},
        Hang{
            "python_sleep",
            "create extension if not exists plpython3u",
            "do $$import time\ntime.sleep(10000)$$ language plpython3u",
            "clock_nanosleep",
            CaptureMethod::in_place,
            {"clock_nanosleep", "PyEval_EvalCode", "PLy_exec_function", "PostgresMain", "main"}},
        Hang{
            "python_loop",
            "create extension if not exists plpython3u",
            "do $$while True: pass$$ language plpython3u",
            "PLy_exec_function",
            CaptureMethod::ptrace_stop,
            {"_PyEval_EvalFrameDefault", "PyEval_EvalCode", "PLy_exec_function", "PostgresMain"}}
    ),
    [](const auto& hang) { return hang.param.name; }
);

}  // namespace
}  // namespace pghang::test
