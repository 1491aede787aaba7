#include "daemon/targets/sampler_processes.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pghang {
namespace {

/// The keeper answers at once; this is for one that does not run.
constexpr std::chrono::milliseconds kSignalDeadline{1000};

}  // namespace

SamplerProcesses::SamplerProcesses(
    boost::asio::any_io_executor executor,
    CaptureDesk& desk,
    sampler::Surveyor& surveyor
)
    : executor_(std::move(executor)),
      desk_(desk),
      surveyor_(surveyor) {}

boost::asio::awaitable<Result<ServerSurvey>> SamplerProcesses::survey(sampler::SurveyRequest request
) {
  struct Turn {
    boost::asio::steady_timer done;
    std::optional<Result<ServerSurvey>> answer;
  };

  // Shared with the desk's queue, which outlives a loop that ends while this waits.
  const auto turn = std::make_shared<Turn>(
      Turn{{executor_, std::chrono::steady_clock::time_point::max()}, std::nullopt}
  );
  desk_.survey(surveyor_, std::move(request), [turn](Result<ServerSurvey> answer) {
    turn->answer = std::move(answer);
    turn->done.cancel();
  });
  while (!turn->answer)
    co_await turn->done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  co_return *std::move(turn->answer);
}

boost::asio::awaitable<Result<void>> SamplerProcesses::signal(sampler::SignalRequest request) {
  co_return co_await surveyor_.signal(request, kSignalDeadline);
}

}  // namespace pghang
