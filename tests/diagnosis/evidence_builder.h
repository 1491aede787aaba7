#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/evidence.h"

namespace pghang::tests {

/// Bit for a signal set.
constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << static_cast<unsigned>(signal - 1);
}

/// Evidence of a healthy client backend, pid 4711, asleep in three samples with no flag set; each
/// call changes one thing. Changes to samples apply to all of them unless they say otherwise.
class Given {
 public:
  Given() {
    Capture& capture = evidence_.capture;
    capture.key = {.pid = 4711, .start_ticks = 100};
    capture.captured_at_micros = 1'795'360'323'000'000;  // 2026-11-22 15:12:03 UTC
    capture.postgres = true;
    capture.comm = "postgres";
    capture.title = "postgres: app shop [local] SELECT";
    capture.ppid = 4000;
    capture.ns_pid = 4711;
    for (int i = 0; i < 3; ++i)
      capture.samples.push_back(healthy_sample(i));
  }

  Given& capture(const std::function<void(Capture&)>& change) {
    change(evidence_.capture);
    return *this;
  }

  Given& samples(const std::function<void(Sample&)>& change) {
    for (Sample& sample : evidence_.capture.samples)
      change(sample);
    return *this;
  }

  Given& first(const std::function<void(Sample&)>& change) {
    change(evidence_.capture.samples.front());
    return *this;
  }

  Given& latest(const std::function<void(Sample&)>& change) {
    change(evidence_.capture.samples.back());
    return *this;
  }

  Given& state(ProcessState state) {
    return samples([state](Sample& sample) { sample.state = state; });
  }

  /// One letter a sample: `SRS`.
  Given& states(const std::string& letters) {
    evidence_.capture.samples.clear();
    for (const char letter : letters) {
      evidence_.capture.samples.push_back(
          healthy_sample(static_cast<int>(evidence_.capture.samples.size()))
      );
      evidence_.capture.samples.back().state = ProcessState{letter};
    }
    return *this;
  }

  Given& terminate_ago(int seconds) {
    evidence_.asked.terminate_accepted_ago = std::chrono::seconds(seconds);
    evidence_.asked.terminate_grace = std::chrono::seconds(30);
    return *this;
  }

  Given& cancel_ago(int seconds) {
    evidence_.asked.cancel_accepted_ago = std::chrono::seconds(seconds);
    evidence_.asked.cancel_grace = std::chrono::seconds(30);
    return *this;
  }

  Given& die_pending() {
    return samples([](Sample& sample) { sample.flags.proc_die_pending = 1; });
  }

  Given& cancel_pending() {
    return samples([](Sample& sample) { sample.flags.query_cancel_pending = 1; });
  }

  Given& holdoff(int count) {
    return samples([count](Sample& sample) { sample.flags.interrupt_holdoff_count = count; });
  }

  Given& critical() {
    return samples([](Sample& sample) { sample.flags.crit_section_count = 1; });
  }

  Given& exiting() {
    return samples([](Sample& sample) { sample.flags.proc_exit_inprogress = 1; });
  }

  Given& pending(int signal) {
    return samples([signal](Sample& sample) { sample.signals.pending_process |= bit(signal); });
  }

  Given& blocked(int signal) {
    return samples([signal](Sample& sample) { sample.signals.blocked |= bit(signal); });
  }

  Given& ignored(int signal) {
    return samples([signal](Sample& sample) { sample.signals.ignored |= bit(signal); });
  }

  Given& io_grows() {
    return latest([](Sample& sample) { sample.io->read_bytes += 8192; });
  }

  Given& switches_change() {
    return latest([](Sample& sample) { sample.voluntary_switches += 7; });
  }

  /// Names of the user stack, innermost first, all in the postgres executable unless `module:name`.
  Given& stack(const std::vector<std::string>& names) {
    StackTrace& stack = evidence_.capture.stack;
    stack = {};
    stack.method = CaptureMethod::in_place;
    stack.complete = true;
    for (const std::string& name : names) {
      const auto colon = name.find(':');
      Frame frame;
      frame.module = colon == std::string::npos ? "/usr/lib/postgresql/15/bin/postgres"
                                                : "/usr/lib/" + name.substr(0, colon);
      const std::string function = colon == std::string::npos ? name : name.substr(colon + 1);
      if (!function.empty()) frame.function = function;
      frame.exported = !function.empty();
      frame.offset = 0x1000 * (stack.frames.size() + 1);
      frame.address = 0x5500'0000'0000 + frame.offset;
      frame.build_id = "ab12";
      stack.frames.push_back(std::move(frame));
    }
    return *this;
  }

  Given& in_call(Syscall call) {
    evidence_.capture.syscall = std::move(call);
    return *this;
  }

  Given& flags_missing(const std::string& error, const std::string& needs) {
    evidence_.capture.missing.push_back({"interrupts", error, needs});
    return samples([](Sample& sample) { sample.flags = {}; });
  }

  /// The row of pg_stat_activity; a client backend's unless the change says otherwise.
  Given& activity(const std::function<void(Activity&)>& change) {
    if (!evidence_.activity) {
      evidence_.activity.emplace();
      evidence_.activity->key.pid = 4711;
      evidence_.activity->backend_type = "client backend";
      evidence_.activity->state = "active";
    }
    change(*evidence_.activity);
    return *this;
  }

  [[nodiscard]] const Evidence& evidence() const { return evidence_; }

 private:
  static Sample healthy_sample(int number) {
    Sample sample;
    sample.at_micros = std::int64_t{20'000} * number;
    sample.state = ProcessState::sleeping;
    sample.signals.caught = bit(SIGINT) | bit(SIGTERM);
    sample.cpu_nanos = 1'000'000;
    sample.voluntary_switches = 10;
    sample.io = IoCounters{.rchar = 1, .wchar = 1, .read_bytes = 4096, .write_bytes = 0};
    sample.flags.interrupt_pending = 0;
    sample.flags.query_cancel_pending = 0;
    sample.flags.proc_die_pending = 0;
    sample.flags.interrupt_holdoff_count = 0;
    sample.flags.query_cancel_holdoff_count = 0;
    sample.flags.crit_section_count = 0;
    sample.flags.proc_exit_inprogress = 0;
    sample.flags.client_auth_in_progress = 0;
    sample.flags.shutdown_request_pending = 0;
    sample.stack_id = 1;
    return sample;
  }

  Evidence evidence_;
};

}  // namespace pghang::tests
