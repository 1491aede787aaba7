#include "collectors/postgres/wait_ready.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace pghang {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0); }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }

  void fill() const { EXPECT_EQ(write(ends[1], "x", 1), 1); }

  std::array<int, 2> ends{};
};

Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds{50};
}

Waited run(asio::io_context& context, asio::awaitable<Waited> operation) {
  std::optional<Waited> outcome;
  asio::co_spawn(
      context,
      std::move(operation),
      [&](const std::exception_ptr& exception, Waited waited) {
        EXPECT_FALSE(exception);
        outcome = waited;
      }
  );
  context.run();
  return outcome.value();
}

asio::awaitable<Waited> wait_after_release(stream_descriptor& descriptor, int next) {
  descriptor.release();
  descriptor.assign(next);
  const Waited waited = co_await wait_ready(descriptor, Readiness::read, soon());
  descriptor.release();
  co_return waited;
}

TEST(WaitReady, EventOfAReleasedDescriptorIsNotTakenForTheNextOne) {
  const Pipe full;
  const Pipe empty;
  asio::io_context context;
  stream_descriptor descriptor(context, full.ends[0]);
  full.fill();
  // The first turn of the loop queues the event, then the coroutine runs, then the event.
  EXPECT_EQ(run(context, wait_after_release(descriptor, empty.ends[0])), Waited::timeout);
}

TEST(WaitReady, SaysWhichSideIsReady) {
  const Pipe pipe;
  asio::io_context context;
  stream_descriptor reader(context, pipe.ends[0]);
  stream_descriptor writer(context, pipe.ends[1]);
  EXPECT_EQ(run(context, wait_ready(reader, Readiness::read, soon())), Waited::timeout);
  context.restart();
  EXPECT_EQ(run(context, wait_ready(writer, Readiness::write, soon())), Waited::ready);
  context.restart();
  EXPECT_EQ(run(context, wait_ready(writer, Readiness::read_or_write, soon())), Waited::ready);
  context.restart();
  pipe.fill();
  EXPECT_EQ(run(context, wait_ready(reader, Readiness::read, soon())), Waited::ready);
  reader.release();
  writer.release();
}

TEST(WaitReady, EndOfFileIsReady) {
  Pipe pipe;
  close(pipe.ends[1]);
  pipe.ends[1] = -1;
  asio::io_context context;
  stream_descriptor reader(context, pipe.ends[0]);
  EXPECT_EQ(run(context, wait_ready(reader, Readiness::read, soon())), Waited::ready);
  reader.release();
}

TEST(WaitReady, DeadlineInThePastIsATimeoutEvenWhenReady) {
  const Pipe pipe;
  pipe.fill();
  asio::io_context context;
  stream_descriptor reader(context, pipe.ends[0]);
  EXPECT_EQ(run(context, wait_ready(reader, Readiness::read, Deadline::min())), Waited::timeout);
  reader.release();
}

}  // namespace
}  // namespace pghang
