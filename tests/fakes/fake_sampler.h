#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "collectors/sampler/client.h"

namespace pghang::fakes {

/// A Sampler that answers what the test scripted, at once, and remembers what it was asked.
class FakeSampler final : public sampler::Sampler {
 public:
  struct CaptureCall {
    sampler::CaptureRequest request;
    std::chrono::milliseconds deadline{0};
  };

  /// Answers of the next captures, whatever the pid; they are used up first to last.
  std::deque<Result<Capture>> next_captures;
  /// Answers by pid, once `next_captures` is empty. A pid that is in neither is gone.
  std::map<pid_t, Result<Capture>> captures;
  /// When set, prewarm() fails so.
  std::optional<Error> prewarm_error;
  sampler::SamplerStats stats_answer;

  std::vector<CaptureCall> asked;
  std::vector<pid_t> prewarmed;
  /// Answers of the next glances, used up first to last; a further one is `gone`.
  std::deque<Result<Glance>> next_glances;
  std::vector<sampler::GlanceRequest> glanced;

  [[nodiscard]] boost::asio::awaitable<Result<Capture>>
  capture(sampler::CaptureRequest request, std::chrono::milliseconds deadline) override {
    asked.push_back({request, deadline});
    if (!next_captures.empty()) {
      auto answer = std::move(next_captures.front());
      next_captures.pop_front();
      co_return answer;
    }
    if (const auto found = captures.find(request.pid); found != captures.end()) {
      co_return found->second;
    }
    Capture gone;
    gone.key = {request.pid, request.expect_start_ticks};
    gone.gone = true;
    co_return gone;
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>>
  prewarm(sampler::PrewarmRequest request, std::chrono::milliseconds /*deadline*/) override {
    prewarmed.push_back(request.pid);
    if (prewarm_error) co_return *prewarm_error;
    co_return boost::system::in_place_value;
  }

  [[nodiscard]] boost::asio::awaitable<Result<sampler::SamplerStats>> stats(
      std::chrono::milliseconds /*deadline*/
  ) override {
    co_return stats_answer;
  }

  [[nodiscard]] boost::asio::awaitable<Result<Glance>>
  glance(sampler::GlanceRequest request, std::chrono::milliseconds /*deadline*/) override {
    glanced.push_back(request);
    if (next_glances.empty()) {
      Glance gone;
      gone.key = {request.pid, 0};
      gone.gone = true;
      co_return gone;
    }
    auto answer = std::move(next_glances.front());
    next_glances.pop_front();
    co_return answer;
  }
};

}  // namespace pghang::fakes
