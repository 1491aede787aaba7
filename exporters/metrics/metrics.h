#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectors/evidence/stack_trace.h"
#include "diagnosis/incident.h"
#include "exporters/view.h"

namespace pghang {

/// The metric catalogue of DESIGN section 7. Counters and histograms are told events as they
/// happen; gauges are taken from a View at scrape time, series of what is gone are dropped. Loop
/// thread only.
class Metrics {
 public:
  explicit Metrics(const std::string& version);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  /// `result`: `success`, or to_string(Errc).
  void
  poll(const std::string& target, const std::string& result, std::chrono::duration<double> took);
  /// `result`: `success`, `backed_off`, or to_string(Errc).
  void lock_statement(const std::string& target, const std::string& result);
  /// `signal`: `cancel` or `terminate`; `outcome`: `accepted`, `refused`, `superseded`, `unknown`.
  void signal(const std::string& target, const std::string& signal, const std::string& outcome);
  /// Activity snapshot taken by the server → its answer to the signal: the documented window.
  void signal_window(const std::string& target, std::chrono::duration<double> window);
  /// Signal accepted → seen gone.
  void signal_effect(
      const std::string& target,
      const std::string& signal,
      std::chrono::duration<double> took
  );
  /// Signal accepted → its flag seen set in the backend's memory.
  void signal_seen(
      const std::string& target,
      const std::string& signal,
      std::chrono::duration<double> took
  );
  /// Signal accepted → its flag seen cleared again, or its work done.
  void signal_serviced(
      const std::string& target,
      const std::string& signal,
      std::chrono::duration<double> took
  );
  void incident_resolved(
      const std::string& target,
      const std::string& cause,
      const std::string& outcome
  );
  /// `reason`: an exemption, `mode_observe`, ...
  void action_suppressed(const std::string& target, const std::string& reason);
  /// `result`: `success`, `partial`, or to_string(Errc).
  void capture(
      CaptureMethod method,
      const std::string& result,
      double held_seconds,
      double took_seconds
  );
  /// `result`: `written`, `failed`, `dropped`.
  void bundle(const std::string& result);
  /// Looks at a server's processes. `result`: `success`, or to_string(Errc).
  void survey(const std::string& target, const std::string& result);
  /// The store's state, where there is one. `failures`, `dropped`: since the start.
  void store(bool up, std::uint64_t bytes, std::uint64_t failures, std::uint64_t dropped);
  void signal_unrecorded();
  void sampler(std::uint64_t restarts, std::uint32_t abandoned);

  /// The exposition in Prometheus's text format 0.0.4. `now_micros`: unix epoch.
  [[nodiscard]] std::string render(const View& view, std::int64_t now_micros = wall_clock_micros());

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One row per metric family: name, type, labels, help. The README's table is made of it.
struct MetricDescription {
  const char* name;
  const char* type;
  const char* labels;  ///< comma-separated
  const char* help;
  std::vector<double> buckets{};  ///< upper bounds without +Inf; histograms only
};

[[nodiscard]] const std::vector<MetricDescription>& metric_catalogue();

}  // namespace pghang
