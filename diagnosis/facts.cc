#include "diagnosis/facts.h"

#include <strings.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "diagnosis/backend_kind.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/movement.h"

namespace pghang {
namespace {

constexpr std::uint32_t kLwLockClass = 0x01;
/// WAIT_EVENT_CLIENT_WRITE, the second of its class in 14 to 18.
constexpr std::uint32_t kClientWrite = 0x0600'0001;

using Flag = std::optional<std::int64_t>;

bool positive(const Flag& flag) {
  return flag && *flag > 0;
}

int signal_of(Request request) {
  return request == Request::cancel ? SIGINT : SIGTERM;
}

/// The variable that the signal's handler sets. Auxiliary processes set either one.
Flag request_flag(const Sample& sample, Request request, bool auxiliary) {
  if (request == Request::cancel) return sample.flags.query_cancel_pending;
  if (auxiliary && positive(sample.flags.shutdown_request_pending))
    return sample.flags.shutdown_request_pending;
  return sample.flags.proc_die_pending;
}

template <typename Predicate>
bool any(const std::vector<Sample>& samples, Predicate predicate) {
  return std::ranges::any_of(samples, predicate);
}

template <typename Predicate>
bool every(const std::vector<Sample>& samples, Predicate predicate) {
  return !samples.empty() && std::ranges::all_of(samples, predicate);
}

bool was_signalled(const std::vector<Sample>& samples, Request request, bool auxiliary) {
  return any(samples, [=](const Sample& sample) {
    return is_pending(sample.signals, signal_of(request)) ||
           positive(request_flag(sample, request, auxiliary));
  });
}

Request judged_request(const Evidence& evidence, bool auxiliary) {
  const auto& samples = evidence.capture.samples;
  if (evidence.asked.terminate_accepted_ago ||
      was_signalled(samples, Request::terminate, auxiliary))
    return Request::terminate;
  if (evidence.asked.cancel_accepted_ago || was_signalled(samples, Request::cancel, auxiliary))
    return Request::cancel;
  return Request::none;
}

bool is_overdue(const Asked& asked, Request request) {
  switch (request) {
    case Request::none: return false;
    case Request::cancel:
      return asked.cancel_accepted_ago && *asked.cancel_accepted_ago > asked.cancel_grace;
    case Request::terminate:
      return asked.terminate_accepted_ago && *asked.terminate_accepted_ago > asked.terminate_grace;
  }
  return false;
}

bool mostly_running(const std::vector<Sample>& samples) {
  const auto is_running = [](const Sample& sample) {
    return sample.state == ProcessState::running;
  };
  const auto running = static_cast<std::size_t>(std::ranges::count_if(samples, is_running));
  if (2 * running == samples.size()) return is_running(samples.back());
  return 2 * running > samples.size();
}

/// The word read from memory where there is one: it is as old as the sample, the row may be as old
/// as a poll.
bool waits_on_lwlock(const Evidence& evidence) {
  if (stack_has(evidence, {"LWLockAcquire", "LWLockAcquireOrWait", "LWLockWaitForVar"}))
    return true;
  if (const auto& word = evidence.capture.samples.back().flags.wait_event_info)
    return *word >> 24U == kLwLockClass;
  return evidence.activity && evidence.activity->wait_event_type &&
         strcasecmp(evidence.activity->wait_event_type->c_str(), "LWLock") == 0;
}

bool writes_to_client(const Evidence& evidence) {
  if (stack_has(evidence, {"secure_write", "be_tls_write", "be_gssapi_write"})) return true;
  if (const auto& word = evidence.capture.samples.back().flags.wait_event_info)
    return *word == kClientWrite;
  return evidence.activity && evidence.activity->wait_event &&
         strcasecmp(evidence.activity->wait_event->c_str(), "ClientWrite") == 0;
}

void observe_signals(const std::vector<Sample>& samples, Facts& facts) {
  const int signal = signal_of(facts.judged);
  const SignalSets& latest = samples.back().signals;
  facts.signal_ignored = has_signal(latest.ignored, signal);
  facts.signal_pending = is_pending(latest, signal);
  facts.signal_blocked = facts.signal_pending && has_signal(latest.blocked, signal);
  facts.signal_undelivered = every(samples, [signal](const Sample& sample) {
    return is_pending(sample.signals, signal) && !has_signal(sample.signals.blocked, signal);
  });
}

/// A sample whose flags could not be read says nothing about them.
void observe_flags(const std::vector<Sample>& samples, Facts& facts) {
  const auto flag = [&facts](const Sample& sample) {
    return request_flag(sample, facts.judged, facts.auxiliary);
  };
  const auto every_read = [&](auto predicate) {
    return every(samples, [&](const Sample& sample) { return !flag(sample) || predicate(sample); });
  };
  const InterruptFlags& latest = samples.back().flags;
  facts.exiting = positive(latest.proc_exit_inprogress);
  facts.flags_known = flag(samples.back()) && latest.interrupt_holdoff_count &&
                      latest.crit_section_count && latest.proc_exit_inprogress;
  if (!facts.flags_known) return;
  facts.flag_clear_now = flag(samples.back()) == 0;
  facts.flag_set = every_read([&](const Sample& sample) { return positive(flag(sample)); });
  facts.flag_clear = every_read([&](const Sample& sample) { return flag(sample) == 0; });
  facts.critical =
      every_read([](const Sample& sample) { return positive(sample.flags.crit_section_count); });
  facts.held = every_read([&facts](const Sample& sample) {
    return positive(sample.flags.interrupt_holdoff_count) ||
           (facts.judged == Request::cancel && positive(sample.flags.query_cancel_holdoff_count));
  });
}

void observe_states(const std::vector<Sample>& samples, Facts& facts) {
  const Sample& latest = samples.back();
  facts.frozen = latest.frozen;
  facts.state_known = latest.state != ProcessState::unknown;
  facts.traced = latest.state == ProcessState::traced;
  facts.stopped = latest.state == ProcessState::stopped;
  facts.steady =
      every(samples, [&latest](const Sample& sample) { return sample.state == latest.state; });
  facts.uninterruptible = every(samples, [](const Sample& sample) {
    return sample.state == ProcessState::uninterruptible;
  });
  facts.switches_unchanged = samples.front().voluntary_switches == latest.voluntary_switches &&
                             samples.front().involuntary_switches == latest.involuntary_switches;
  facts.io_grew = movement_of(samples).moves_bytes();
  facts.running = mostly_running(samples);
}

/// Compilers move the branches of ProcessInterrupts that report (ereport) to a cold part of the
/// file, which has no exported name: PostgreSQL 15 of Debian is built so. What is left then: an
/// error is being reported after a signal that was delivered, and its flag is clear; or the report
/// is below a caller of ProcessInterrupts that does nothing else.
bool reports_an_interrupt(const Evidence& evidence, const Facts& facts) {
  if (!facts.reporting) return false;
  return facts.overdue ||
         stack_has(evidence, {"ProcessClientReadInterrupt", "ProcessClientWriteInterrupt"});
}

}  // namespace

bool stack_has(const StackTrace& stack, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(stack.frames, [names](const Frame& frame) {
    return frame.function && !frame.inlined &&
           std::ranges::find(names, normalised_name(*frame.function)) != names.end();
  });
}

bool stack_has(const Evidence& evidence, std::initializer_list<std::string_view> names) {
  return stack_has(evidence.capture.stack, names);
}

Facts facts_of(const Evidence& evidence) {
  Facts facts;
  const auto& samples = evidence.capture.samples;
  facts.kind = backend_kind(evidence);
  facts.auxiliary = is_auxiliary(facts.kind);
  facts.judged = judged_request(evidence, facts.auxiliary);
  facts.overdue = is_overdue(evidence.asked, facts.judged);
  facts.samples = samples.size();
  facts.gone = has_ended(evidence.capture);
  if (samples.empty()) return facts;

  observe_states(samples, facts);
  observe_signals(samples, facts);
  observe_flags(samples, facts);
  facts.reporting = stack_has(evidence, {"errfinish", "EmitErrorReport"});
  const bool named = stack_has(evidence, {"ProcessInterrupts"});
  facts.inferred_interrupts = !named && reports_an_interrupt(evidence, facts);
  facts.in_process_interrupts = named || facts.inferred_interrupts;
  const bool cancel = facts.judged == Request::cancel;
  facts.ignores_idle_cancel = cancel && evidence.activity && evidence.activity->state &&
                              evidence.activity->state->starts_with("idle");
  facts.rolling_back = cancel && facts.flag_clear_now &&
                       stack_has(evidence, {"AbortCurrentTransaction", "AbortOutOfAnyTransaction"});
  facts.lwlock = waits_on_lwlock(evidence);
  facts.client_write = writes_to_client(evidence);
  return facts;
}

}  // namespace pghang
