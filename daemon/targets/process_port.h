#pragma once

#include <sys/types.h>

#include <cstdint>

#include <boost/asio/awaitable.hpp>

#include "collectors/sampler/protocol.h"
#include "config/result.h"

namespace pghang {

/// What the connection knows of the server's processes.
struct ProcessScene {
  pid_t server_process = 0;  ///< who made its UNIX socket, as this host counts; 0: not known
  pid_t own_backend = 0;     ///< ours of the latest poll that succeeded, as the server counts
  std::int64_t own_backend_started_micros = 0;  ///< unix epoch, within 3 s
};

/// Port: a server's processes, without SQL. Real: daemon/targets/sampler_processes.h; tests:
/// tests/fakes/fake_processes.h.
class ProcessPort {
 public:
  ProcessPort() = default;
  ProcessPort(const ProcessPort&) = delete;
  ProcessPort& operator=(const ProcessPort&) = delete;
  virtual ~ProcessPort() = default;

  /// Waits for its turn behind captures. Errors: those of sampler::Surveyor.
  [[nodiscard]] virtual boost::asio::awaitable<Result<ServerSurvey>> survey(
      sampler::SurveyRequest request
  ) = 0;
  /// Success means sent. Errors: those of sampler::Surveyor.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> signal(sampler::SignalRequest request
  ) = 0;
};

}  // namespace pghang
