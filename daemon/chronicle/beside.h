#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

namespace pghang {

/// What the loop shares with a thread beside it that may hang in the kernel, on a disk, for good.
/// So nobody joins that thread: it is detached, and owns a shared_ptr of this.
template <typename State>
class Beside {
 public:
  explicit Beside(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}

  /// `work(state)` while nobody else looks at it; wakes the thread. Returns what it returns.
  template <typename Work>
  auto change(Work work) {
    const std::lock_guard lock(mutex_);
    wake_up_.notify_all();
    return work(state_);
  }

  /// On the thread: waits until `ready(state)`, or for at most `limit`, and returns
  /// `work(state)`. Nothing once the loop's side has ended.
  template <typename Ready, typename Work>
  auto wait(Ready ready, std::optional<std::chrono::milliseconds> limit, Work work)
      -> std::optional<decltype(work(std::declval<State&>()))> {
    std::unique_lock lock(mutex_);
    const auto done = [&] {
      return ended_ || ready(state_);
    };
    if (limit) {
      wake_up_.wait_for(lock, *limit, done);
    } else {
      wake_up_.wait(lock, done);
    }
    if (ended_) return std::nullopt;
    return work(state_);
  }

  /// On the thread: runs `tell` on the loop. Does nothing once the loop's side has ended: then
  /// there may be no loop.
  void post(std::function<void()> tell) {
    const std::lock_guard lock(mutex_);
    if (!ended_) boost::asio::post(loop_, std::move(tell));
  }

  /// The loop's side waits until `done(state)`, for at most `limit`.
  template <typename Done>
  void await(std::chrono::milliseconds limit, Done done) {
    std::unique_lock lock(mutex_);
    wake_up_.wait_for(lock, limit, [&] { return done(state_); });
  }

  /// The loop's side ends.
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    wake_up_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_up_;
  State state_;
  bool ended_ = false;
  boost::asio::any_io_executor loop_;
};

}  // namespace pghang
