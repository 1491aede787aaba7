#include "exporters/metrics/metrics.h"

#include <array>
#include <set>
#include <utility>

#include "exporters/metrics/metric_registry.h"
#include "exporters/metrics/process_stats.h"
#include "exporters/metrics/view_gauges.h"

namespace pghang {
namespace {

constexpr std::array kSignals{"cancel", "terminate"};
constexpr std::array kSignalOutcomes{"accepted", "refused", "superseded", "unknown"};
constexpr std::array kPollResults{
    "success",
    "timeout",
    "disconnected",
    "refused",
    "permission_denied",
    "too_many_connections",
    "connect_timeout",
    "start_up_timeout"};
constexpr std::array kLockResults{"success", "backed_off", "timeout", "refused"};
constexpr std::array kSuppressions{
    "mode_observe",
    "rule_observe",
    "without_sql",
    "undecided_without_sql",
    "paused",
    "other_daemon",
    "breaker_open",
    "budget_unresponsive",
    "budget_share",
    "budget_hour",
    "budget_minute",
    "protected",
    "superuser"};
constexpr std::array kMethods{
    CaptureMethod::in_place,
    CaptureMethod::ptrace_stop,
    CaptureMethod::kernel_only};
constexpr std::array kOutcomes{
    Outcome::finished,
    Outcome::cancelled,
    Outcome::terminated,
    Outcome::self_resolved,
    Outcome::refused,
    Outcome::exempt,
    Outcome::superseded};

/// For totals that are counted elsewhere.
void raise_to(prometheus::Counter& counter, double total) {
  counter.Increment(total - counter.Value());
}

GaugeSeries single(std::optional<std::uint64_t> value) {
  if (!value) return {};
  return {{{}, static_cast<double>(*value)}};
}

}  // namespace

struct Metrics::Impl {
  MetricRegistry registry;
  ProcessStats process;
  std::set<std::string> targets;
  std::set<std::pair<std::string, std::string>> causes;
  std::set<std::string> dropped_fingerprints;

  void start_known_counters(const View& view);
  void start_incident_counters(const std::string& target, const std::string& cause);
  void set_own_gauges(const View& view);
};

/// A counter that appears with its first event hides that event from rate(): those that are known
/// ahead start at 0.
void Metrics::Impl::start_known_counters(const View& view) {
  for (const TargetView& target : view.targets) {
    if (!targets.insert(target.name).second) continue;
    for (const char* signal : kSignals) {
      for (const char* outcome : kSignalOutcomes)
        (void)registry.counter("pghangd_signals_total", {target.name, signal, outcome});
      (void)registry.histogram("pghangd_signal_effect_seconds", {target.name, signal});
      (void)registry.histogram("pghangd_signal_seen_seconds", {target.name, signal});
      (void)registry.histogram("pghangd_signal_serviced_seconds", {target.name, signal});
    }
    for (const char* result : kPollResults)
      (void)registry.counter("pghangd_polls_total", {target.name, result});
    for (const char* result : kLockResults)
      (void)registry.counter("pghangd_lock_statements_total", {target.name, result});
    (void)registry.counter("pghangd_surveys_total", {target.name, "success"});
    for (const char* reason : kSuppressions)
      (void)registry.counter("pghangd_actions_suppressed_total", {target.name, reason});
    (void)registry.histogram("pghangd_poll_duration_seconds", {target.name});
    (void)registry.histogram("pghangd_signal_window_seconds", {target.name});
    // What obeys is over before anybody asks why it hung.
    start_incident_counters(target.name, to_string(Cause::unknown));
  }
  for (const Incident& incident : view.incidents)
    start_incident_counters(incident.target, cause_label(incident));
}

void Metrics::Impl::start_incident_counters(const std::string& target, const std::string& cause) {
  if (!causes.emplace(target, cause).second) return;
  for (const Outcome outcome : kOutcomes)
    (void)registry.counter("pghangd_incidents_total", {target, cause, to_string(outcome)});
}

void Metrics::Impl::set_own_gauges(const View& view) {
  registry.replace(
      "pghangd_config_last_reload_successful",
      single(view.config_last_reload_successful ? 1 : 0)
  );
  GaugeSeries web_config;
  GaugeSeries certificate;
  if (view.web_config) {
    web_config = single(view.web_config->problem.empty() ? 1 : 0);
    if (const auto expiry = view.web_config->certificate_expires_at)
      certificate = single(static_cast<double>(*expiry));
  }
  registry.replace("pghangd_web_config_last_reload_successful", web_config);
  registry.replace("pghangd_web_certificate_expiry_timestamp_seconds", certificate);
  registry.replace(
      "pghangd_web_info",
      view.external_url.empty() ? GaugeSeries{} : GaugeSeries{{{view.external_url}, 1}}
  );
  registry.replace("pghangd_paused", single(view.pause.paused ? 1 : 0));
  registry.replace("process_resident_memory_bytes", single(process.resident_bytes()));
  registry.replace("process_open_fds", single(process.open_fds()));
  registry.replace("process_max_fds", single(ProcessStats::max_fds()));
  registry.replace(
      "process_start_time_seconds",
      {{{}, static_cast<double>(view.started_at_micros) / 1e6}}
  );
  raise_to(registry.counter("process_cpu_seconds_total", {}), ProcessStats::cpu_seconds());
}

Metrics::Metrics(const std::string& version) : impl_(std::make_unique<Impl>()) {
  MetricRegistry& registry = impl_->registry;
  registry.replace("pghangd_build_info", {{{version}, 1}});
  registry.replace("pghangd_sampler_abandoned", single(0));
  (void)registry.counter("pghangd_sampler_restarts_total", {});
  (void)registry.counter("pghangd_fingerprints_dropped_total", {});
  (void)registry.counter("pghangd_store_failures_total", {});
  (void)registry.counter("pghangd_store_queue_dropped_total", {});
  (void)registry.counter("pghangd_signals_unrecorded_total", {});
  for (const CaptureMethod method : kMethods) {
    for (const char* result : {"success", "partial"})
      (void)registry.counter("pghangd_captures_total", {to_string(method), result});
    (void)registry.histogram("pghangd_capture_held_seconds", {to_string(method)});
    (void)registry.histogram("pghangd_capture_duration_seconds", {to_string(method)});
  }
}

Metrics::~Metrics() = default;

void Metrics::poll(
    const std::string& target,
    const std::string& result,
    std::chrono::duration<double> took
) {
  impl_->registry.counter("pghangd_polls_total", {target, result}).Increment();
  impl_->registry.histogram("pghangd_poll_duration_seconds", {target}).Observe(took.count());
}

void Metrics::lock_statement(const std::string& target, const std::string& result) {
  impl_->registry.counter("pghangd_lock_statements_total", {target, result}).Increment();
}

void Metrics::survey(const std::string& target, const std::string& result) {
  impl_->registry.counter("pghangd_surveys_total", {target, result}).Increment();
}

void Metrics::signal(
    const std::string& target,
    const std::string& signal,
    const std::string& outcome
) {
  impl_->registry.counter("pghangd_signals_total", {target, signal, outcome}).Increment();
}

void Metrics::signal_window(const std::string& target, std::chrono::duration<double> window) {
  impl_->registry.histogram("pghangd_signal_window_seconds", {target}).Observe(window.count());
}

void Metrics::signal_effect(
    const std::string& target,
    const std::string& signal,
    std::chrono::duration<double> took
) {
  impl_->registry.histogram("pghangd_signal_effect_seconds", {target, signal})
      .Observe(took.count());
}

void Metrics::signal_seen(
    const std::string& target,
    const std::string& signal,
    std::chrono::duration<double> took
) {
  impl_->registry.histogram("pghangd_signal_seen_seconds", {target, signal}).Observe(took.count());
}

void Metrics::signal_serviced(
    const std::string& target,
    const std::string& signal,
    std::chrono::duration<double> took
) {
  impl_->registry.histogram("pghangd_signal_serviced_seconds", {target, signal})
      .Observe(took.count());
}

void Metrics::incident_resolved(
    const std::string& target,
    const std::string& cause,
    const std::string& outcome
) {
  impl_->registry.counter("pghangd_incidents_total", {target, cause, outcome}).Increment();
}

void Metrics::action_suppressed(const std::string& target, const std::string& reason) {
  impl_->registry.counter("pghangd_actions_suppressed_total", {target, reason}).Increment();
}

void Metrics::capture(
    CaptureMethod method,
    const std::string& result,
    double held_seconds,
    double took_seconds
) {
  const char* label = to_string(method);
  impl_->registry.counter("pghangd_captures_total", {label, result}).Increment();
  impl_->registry.histogram("pghangd_capture_held_seconds", {label}).Observe(held_seconds);
  impl_->registry.histogram("pghangd_capture_duration_seconds", {label}).Observe(took_seconds);
}

void Metrics::bundle(const std::string& result) {
  impl_->registry.counter("pghangd_bundles_total", {result}).Increment();
}

void Metrics::store(bool up, std::uint64_t bytes, std::uint64_t failures, std::uint64_t dropped) {
  MetricRegistry& registry = impl_->registry;
  registry.replace("pghangd_store_up", single(up ? 1 : 0));
  registry.replace("pghangd_store_bytes", single(bytes));
  raise_to(registry.counter("pghangd_store_failures_total", {}), static_cast<double>(failures));
  raise_to(registry.counter("pghangd_store_queue_dropped_total", {}), static_cast<double>(dropped));
}

void Metrics::signal_unrecorded() {
  impl_->registry.counter("pghangd_signals_unrecorded_total", {}).Increment();
}

void Metrics::sampler(std::uint64_t restarts, std::uint32_t abandoned) {
  raise_to(
      impl_->registry.counter("pghangd_sampler_restarts_total", {}),
      static_cast<double>(restarts)
  );
  impl_->registry.replace("pghangd_sampler_abandoned", single(abandoned));
}

std::string Metrics::render(const View& view, std::int64_t now_micros) {
  impl_->start_known_counters(view);
  impl_->set_own_gauges(view);

  ViewGauges gauges = view_gauges(view, now_micros);
  for (const auto& [family, series] : gauges.families)
    impl_->registry.replace(family, series);
  double newly_dropped = 0;
  for (const std::string& fingerprint : gauges.dropped_fingerprints)
    newly_dropped += impl_->dropped_fingerprints.contains(fingerprint) ? 0 : 1;
  impl_->registry.counter("pghangd_fingerprints_dropped_total", {}).Increment(newly_dropped);
  impl_->dropped_fingerprints = std::move(gauges.dropped_fingerprints);

  return impl_->registry.text();
}

}  // namespace pghang
