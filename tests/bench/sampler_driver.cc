// A warm sampler, asked as the daemon asks it: starts the keeper, then serves the lines of stdin
// and answers each in lines of JSON on stdout.
//
//   capture PID COUNT SAMPLES INTERVAL_MS STOP PEERS   COUNT lines, one for each capture
//   prewarm PID                                        {"done":true}
//   helpers                                            {"keeper":PID,"worker":PID}
//
// Times of a capture are CLOCK_MONOTONIC in microseconds, as the scheduler's trace has them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "collectors/sampler/client.h"

namespace pghang {
namespace {

using sampler::CaptureRequest;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{10'000};

std::int64_t now_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

void print_error(const Error& error) {
  std::string context = error.context;
  std::erase_if(context, [](char c) { return c == '"' || c == '\\' || c < ' '; });
  std::printf("{\"error\":\"%s: %s\"}\n", to_string(error.code), context.c_str());
}

void print_capture(std::int64_t start, std::int64_t end, const Capture& capture) {
  const auto named = std::ranges::count_if(capture.stack.frames, [](const Frame& frame) {
    return frame.function.has_value();
  });
  std::printf(
      "{\"start_us\":%" PRId64 ",\"end_us\":%" PRId64
      ",\"method\":\"%s\",\"held_us\":%.3f,\"cpu_us\":%.1f,\"wall_us\":%.1f,\"frames\":%zu,"
      "\"named\":%td,\"complete\":%s,\"gone\":%s,\"stop_reason\":\"%s\"}\n",
      start,
      end,
      to_string(capture.stack.method),
      capture.stack.held_micros,
      capture.cpu_micros,
      capture.wall_micros,
      capture.stack.frames.size(),
      named,
      capture.stack.complete ? "true" : "false",
      capture.gone ? "true" : "false",
      capture.stack.stop_reason.c_str()
  );
}

/// The sampler and the loop it is asked on.
class Driver {
 public:
  static Result<Driver> start(const std::string& program) {
    auto loop = std::make_unique<boost::asio::io_context>(1);
    auto client = sampler::SamplerClient::start(loop->get_executor(), program);
    if (!client) return client.error();
    return Driver(std::move(loop), *std::move(client));
  }

  /// False when the line is none of ours.
  bool serve(const char* line) {
    CaptureRequest request;
    unsigned count = 0;
    int stop = 0;
    int peers = 0;
    // NOLINTNEXTLINE(cert-err34-c): a number out of range is refused by the sampler
    const int read = std::sscanf(
        line,
        "capture %d %u %" SCNu32 " %" SCNu32 " %d %d",
        &request.pid,
        &count,
        &request.samples,
        &request.interval_ms,
        &stop,
        &peers
    );
    if (read == 6) {
      request.allow_ptrace_stop = stop != 0;
      request.peers = peers != 0;
      for (unsigned i = 0; i < count; ++i)
        capture(request);
      return true;
    }
    pid_t pid = 0;
    // NOLINTNEXTLINE(cert-err34-c)
    if (std::sscanf(line, "prewarm %d", &pid) == 1) {
      const auto done = run(client_->prewarm({.pid = pid}, kPatience));
      done ? static_cast<void>(std::puts("{\"done\":true}")) : print_error(done.error());
      return true;
    }
    if (std::string_view(line) != "helpers\n") return false;
    const auto stats = run(client_->stats(kPatience));
    if (!stats) {
      print_error(stats.error());
      return true;
    }
    std::printf("{\"keeper\":%d,\"worker\":%d}\n", client_->keeper_pid(), stats->worker_pid);
    return true;
  }

 private:
  Driver(
      std::unique_ptr<boost::asio::io_context> loop,
      std::unique_ptr<sampler::SamplerClient> client
  )
      : loop_(std::move(loop)),
        client_(std::move(client)) {}

  void capture(const CaptureRequest& request) {
    const std::int64_t start = now_micros();
    const auto taken = run(client_->capture(request, kPatience));
    const std::int64_t end = now_micros();
    taken ? print_capture(start, end, *taken) : print_error(taken.error());
  }

  template <typename T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(*loop_, std::move(work), [&](const std::exception_ptr&, T value) {
      result.emplace(std::move(value));
    });
    loop_->restart();
    while (!result)
      loop_->run_one();
    return *std::move(result);
  }

  std::unique_ptr<boost::asio::io_context> loop_;
  std::unique_ptr<sampler::SamplerClient> client_;
};

int serve_stdin(const std::string& program) {
  auto driver = Driver::start(program);
  if (!driver) {
    std::fprintf(stderr, "sampler_driver: %s\n", driver.error().context.c_str());
    return 2;
  }
  constexpr int longest_line = 256;
  std::array<char, longest_line> line{};
  while (std::fgets(line.data(), longest_line, stdin) != nullptr) {
    if (!driver->serve(line.data())) {
      std::fprintf(stderr, "sampler_driver: cannot read: %s", line.data());
      return 64;
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace pghang

// NOLINTNEXTLINE(bugprone-exception-escape): whatever it is, the measurement is over
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sampler_driver PGHANGD_SAMPLER\n");
    return 64;
  }
  return pghang::serve_stdin(argv[1]);
}
