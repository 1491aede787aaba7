#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "collectors/sampler/surveyor.h"
#include "daemon/targets/capture_desk.h"
#include "daemon/targets/process_port.h"

namespace pghang {

/// Asks the capture helper, in turn with the captures.
class SamplerProcesses final : public ProcessPort {
 public:
  /// References outlive it.
  SamplerProcesses(
      boost::asio::any_io_executor executor,
      CaptureDesk& desk,
      sampler::Surveyor& surveyor
  );

  [[nodiscard]] boost::asio::awaitable<Result<ServerSurvey>> survey(sampler::SurveyRequest request
  ) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> signal(sampler::SignalRequest request
  ) override;

 private:
  boost::asio::any_io_executor executor_;
  CaptureDesk& desk_;
  sampler::Surveyor& surveyor_;
};

}  // namespace pghang
