#include "collectors/sampler/keeper.h"

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill(2) is POSIX, not <csignal>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "collectors/evidence/codec.h"
#include "collectors/sampler/packet_socket.h"
#include "tests/collectors/sampler/support.h"

/// The keeper alone, with workers made for the test.
namespace pghang::sampler {
namespace {

using std::chrono::milliseconds;
using testing::eventually;

struct Reply {
  Header header;
  std::string body;
};

class KeeperProcess {
 public:
  explicit KeeperProcess(const WorkerMain& worker, const KeeperOptions& options = {}) {
    auto sockets = make_packet_sockets().value();
    pid_ = ::fork();
    if (pid_ == 0) {
      become_keeper(sockets.second.get());
      ::_exit(run_keeper(std::move(sockets.second), worker, options));
    }
    socket_ = std::move(sockets.first);
  }

  KeeperProcess(const KeeperProcess&) = delete;
  KeeperProcess& operator=(const KeeperProcess&) = delete;

  ~KeeperProcess() {
    socket_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }

  void send(Header header, std::string_view body = {}) const {
    ASSERT_EQ(send_packet(socket_.get(), encode_message(header, body)), SendStatus::sent);
  }

  void send_bytes(std::string_view bytes) const {
    ASSERT_EQ(send_packet(socket_.get(), bytes), SendStatus::sent);
  }

  /// The next answer; nothing when none comes for five seconds.
  std::optional<Reply> next() {
    pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 5000) != 1) return std::nullopt;
    const Received received = receive_packet(socket_.get(), buffer_);
    const auto message = decode_message(received.packet);
    if (!message) return std::nullopt;
    return Reply{message->header, std::string(message->body)};
  }

  CaptureFailure next_failure() {
    const auto reply = next();
    if (!reply || reply->header.type != MessageType::failed) return {Errc::io, "no failure came"};
    return codec::decode<CaptureFailure>(reply->body).value_or(CaptureFailure{});
  }

  SamplerStats stats() {
    send({.type = MessageType::stats, .id = 1'000'000});
    const auto reply = next();
    if (!reply || reply->header.type != MessageType::stats_reply) return {};
    return codec::decode<SamplerStats>(reply->body).value_or(SamplerStats{});
  }

  CaptureFailure capture(std::uint64_t id, std::uint32_t deadline_ms = 5000) {
    send({.type = MessageType::capture, .id = id, .deadline_ms = deadline_ms}, "request");
    return next_failure();
  }

  /// Closes the daemon's end; the exit code of the keeper.
  int end() {
    socket_.reset();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  UniqueFd socket_;
  std::string buffer_;
};

/// Waits for a packet and gives it to `handle`, for ever.
template <typename Handler>
WorkerMain each_packet(Handler handle) {
  return [handle](UniqueFd keeper) {
    std::string buffer;
    for (;;) {
      pollfd readable{.fd = keeper.get(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, -1);
      const Received received = receive_packet(keeper.get(), buffer);
      if (received.status == ReceiveStatus::closed) ::_exit(0);
      if (const auto message = decode_message(received.packet)) handle(keeper.get(), *message);
    }
  };
}

/// The keeper reads at once, so a packet that does not go out means it is gone.
void say(int keeper, std::string_view packet) {
  if (send_packet(keeper, packet) != SendStatus::sent) ::_exit(0);
}

void echo(int keeper, const Message& message) {
  say(keeper,
      encode_message({.type = MessageType::captured, .id = message.header.id}, message.body));
}

[[noreturn]] void wait_for_ever() {
  for (;;)
    ::pause();
}

TEST(Keeper, RelaysARequestAndItsAnswerAsTheyAre) {
  KeeperProcess keeper(each_packet(echo));
  keeper.send({.type = MessageType::capture, .id = 5, .deadline_ms = 5000}, "anything");
  const auto reply = keeper.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.type, MessageType::captured);
  EXPECT_EQ(reply->header.id, 5U);
  EXPECT_EQ(reply->body, "anything");
}

TEST(Keeper, DropsWhatIsNoRequestAndServesTheNext) {
  KeeperProcess keeper(each_packet(echo));
  keeper.send_bytes("x");
  keeper.send_bytes(std::string(kHeaderBytes, '\xff'));
  keeper.send_bytes(std::string(kMaxMessageBytes + 100, 'x'));
  keeper.send({.type = MessageType::captured, .id = 1});
  keeper.send({.type = MessageType::touching, .id = 2});
  keeper.send({.type = MessageType::capture, .id = 3, .deadline_ms = 5000});
  const auto reply = keeper.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.id, 3U);
}

TEST(Keeper, IsBusyWhileARequestIsUnderWayAndStillAnswersStats) {
  KeeperProcess keeper(each_packet([](int, const Message&) {}));
  keeper.send({.type = MessageType::capture, .id = 1, .deadline_ms = 60'000});
  EXPECT_EQ(keeper.capture(2).code, Errc::busy);
  EXPECT_GT(keeper.stats().worker_pid, 0);
}

TEST(Keeper, DropsAnAnswerToAnotherRequest) {
  KeeperProcess keeper(each_packet([](int socket, const Message& message) {
    say(socket,
        encode_message({.type = MessageType::captured, .id = message.header.id + 7}, "wrong"));
    say(socket, "not a message");
    echo(socket, message);
  }));
  keeper.send({.type = MessageType::capture, .id = 1, .deadline_ms = 5000}, "right");
  const auto reply = keeper.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.id, 1U);
  EXPECT_EQ(reply->body, "right");
}

TEST(Keeper, SaysHowItsWorkerDiedAndStartsTheNext) {
  KeeperProcess keeper(each_packet([](int socket, const Message& message) {
    if (message.body == "request") ::raise(SIGABRT);
    echo(socket, message);
  }));
  const pid_t first = keeper.stats().worker_pid;
  EXPECT_EQ(
      keeper.capture(1),
      (CaptureFailure{Errc::io, "the capture worker died (killed by signal 6 (Aborted))"})
  );
  keeper.send({.type = MessageType::capture, .id = 2, .deadline_ms = 5000}, "other");
  const auto reply = keeper.next();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.type, MessageType::captured);
  const SamplerStats stats = keeper.stats();
  EXPECT_NE(stats.worker_pid, first);
  EXPECT_EQ(stats.worker_restarts, 1U);
  EXPECT_EQ(stats.captures, 1U);
}

TEST(Keeper, TakesTheAnswerOfAWorkerThatEndsBehindIt) {
  KeeperProcess keeper(each_packet([](int socket, const Message& message) {
    echo(socket, message);
    ::_exit(kExitChildStuck);
  }));
  for (std::uint64_t id = 1; id <= 5; ++id) {
    ASSERT_TRUE(eventually([&] { return keeper.stats().worker_pid > 0; }));
    keeper.send({.type = MessageType::capture, .id = id, .deadline_ms = 5000}, "body");
    const auto reply = keeper.next();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->header.type, MessageType::captured);
    ASSERT_TRUE(eventually([&] { return keeper.stats().worker_restarts == id; }));
  }
}

TEST(Keeper, DoesNotMakeAForkStormOfAWorkerThatDiesAtOnce) {
  const KeeperOptions options{.max_starts = 3, .starts_window = milliseconds(1500)};
  KeeperProcess keeper([](UniqueFd) { ::_exit(3); }, options);
  ASSERT_TRUE(eventually([&] {
    const SamplerStats stats = keeper.stats();
    return stats.worker_restarts == 2 && stats.worker_pid == 0;
  }));
  const CaptureFailure refused = keeper.capture(1);
  EXPECT_EQ(refused.code, Errc::refused);
  EXPECT_NE(refused.context.find("died too often"), std::string::npos) << refused.context;
  EXPECT_EQ(keeper.stats().worker_restarts, 2U);
  EXPECT_TRUE(eventually([&] { return keeper.stats().worker_restarts > 2; }))
      << "it starts again when the window has passed";
}

TEST(Keeper, EndsWithTheDaemonAndTakesItsWorkerAlong) {
  KeeperProcess keeper(each_packet([](int, const Message&) { wait_for_ever(); }));
  const pid_t worker = keeper.stats().worker_pid;
  keeper.send({.type = MessageType::capture, .id = 1, .deadline_ms = 60'000});
  EXPECT_EQ(keeper.end(), 0);
  EXPECT_TRUE(eventually([&] { return testing::ended(worker); }));
}

/// A dead process that another one traces is not told to its parent until the tracer has waited for
/// it. To the keeper it looks like one that SIGKILL does not end.
class AbandonedWorkers : public ::testing::Test {
 protected:
  void SetUp() override {
    for (unsigned i = 0; i < kMaxAbandoned; ++i) {
      const pid_t worker = keeper_.stats().worker_pid;
      ASSERT_GT(worker, 0);
      ASSERT_EQ(::ptrace(PTRACE_SEIZE, worker, nullptr, nullptr), 0);
      traced_.push_back(worker);
      EXPECT_EQ(keeper_.capture(i, 20).code, Errc::timeout);
      ASSERT_TRUE(eventually([&] { return keeper_.stats().abandoned == i + 1; }));
    }
  }

  void TearDown() override {
    for (const pid_t worker : traced_)
      ::waitpid(worker, nullptr, 0);
  }

  KeeperProcess keeper_{
      each_packet([](int, const Message&) { wait_for_ever(); }),
      KeeperOptions{.death_grace = milliseconds(30)}};
  std::vector<pid_t> traced_;
};

TEST_F(AbandonedWorkers, AreReplacedUntilThereAreTooMany) {
  const SamplerStats stats = keeper_.stats();
  EXPECT_EQ(stats.abandoned, kMaxAbandoned);
  EXPECT_EQ(stats.worker_restarts, kMaxAbandoned - 1);
  EXPECT_EQ(stats.worker_pid, 0);
  const CaptureFailure refused = keeper_.capture(99);
  EXPECT_EQ(refused.code, Errc::refused);
  EXPECT_NE(refused.context.find("do not die of SIGKILL"), std::string::npos) << refused.context;
}

TEST_F(AbandonedWorkers, AreNoLongerCountedOnceTheyEnd) {
  ::waitpid(traced_.back(), nullptr, 0);
  traced_.pop_back();
  ASSERT_TRUE(eventually([&] { return keeper_.stats().abandoned == kMaxAbandoned - 1; }));
  ASSERT_TRUE(eventually([&] { return keeper_.stats().worker_pid > 0; }));
  EXPECT_EQ(keeper_.capture(99, 20).code, Errc::timeout) << "served again, by a worker that hangs";
}

TEST_F(AbandonedWorkers, DoNotKeepTheKeeperFromEnding) {
  EXPECT_EQ(keeper_.end(), 0);
}

}  // namespace
}  // namespace pghang::sampler
