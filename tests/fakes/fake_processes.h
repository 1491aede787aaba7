#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/targets/process_port.h"

namespace pghang::fakes {

/// A ProcessPort that answers what the test scripted, at once, and remembers what it was asked.
class FakeProcesses final : public ProcessPort {
 public:
  Result<ServerSurvey> answer = Error{Errc::not_found, "no such process"};
  std::optional<Error> signal_error;  ///< set: every signal fails with it
  /// Runs while a survey is under way.
  std::function<void()> meanwhile = [] {
  };

  /// Runs while a signal is under way.
  std::function<void()> during_signal;

  std::vector<sampler::SurveyRequest> asked;
  std::vector<sampler::SignalRequest> signalled;  ///< sent or not

  [[nodiscard]] boost::asio::awaitable<Result<ServerSurvey>> survey(sampler::SurveyRequest request
  ) override {
    asked.push_back(std::move(request));
    meanwhile();
    co_return answer;
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> signal(sampler::SignalRequest request
  ) override {
    signalled.push_back(request);
    if (during_signal) std::exchange(during_signal, nullptr)();
    if (signal_error) co_return *signal_error;
    co_return boost::system::in_place_value;
  }
};

}  // namespace pghang::fakes
