#include "collectors/sampler/target_identity.h"

#include <cstdlib>
#include <string>

#include "collectors/process/observer.h"

namespace pghang::sampler {

Result<ProcStat> identify(const ProcFs& proc, const CaptureRequest& request) {
  const auto text = proc.read(request.pid, "stat");
  if (!text) return text.error();
  auto stat = parse_stat(*text);
  if (!stat) return stat.error();
  if (request.expect_start_ticks != 0 && stat->start_ticks != request.expect_start_ticks) {
    return Error{
        Errc::identity_changed,
        "process " + std::to_string(request.pid) + " started at tick " +
            std::to_string(stat->start_ticks) + ", not " +
            std::to_string(request.expect_start_ticks)};
  }
  if (request.expect_started_at_micros != 0) {
    const auto started = started_at_micros(proc, stat->start_ticks);
    if (!started) return started.error();
    const std::int64_t apart = *started - request.expect_started_at_micros;
    if (std::llabs(apart) > kStartToleranceMicros) {
      return Error{
          Errc::identity_changed,
          "process " + std::to_string(request.pid) + " started " +
              std::to_string(apart / 1'000'000) + " s after the backend asked for"};
    }
  }
  return stat;
}

}  // namespace pghang::sampler
