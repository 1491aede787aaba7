#include "diagnosis/report_trace.h"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "diagnosis/text.h"

namespace pghang {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, values...);
  return buffer.data();
}

/// `850 ns`, `12.5 us`, `3.41 ms`, `1.20 s`.
std::string duration(double micros) {
  if (micros < 1) return format("%.0f ns", micros * 1e3);
  if (micros < 1e3) return format("%.1f us", micros);
  if (micros < 1e6) return format("%.2f ms", micros / 1e3);
  return text::seconds(micros / 1e6);
}

std::string errors_of(const TracedCall& call) {
  std::vector<std::string> words;
  for (const TracedError& error : call.errors)
    words.push_back(error.name + " " + std::to_string(error.count));
  return text::join(words);
}

void write_calls(const SyscallTrace& trace, ReportWriter& out) {
  double all = 0;
  for (const TracedCall& call : trace.calls)
    all += call.micros;
  if (trace.calls.empty()) {
    out.line("no call returned");
    return;
  }
  out.line("   share        time    per call     longest     calls  call");
  for (const TracedCall& call : trace.calls) {
    const std::string errors = errors_of(call);
    out.line(
        format(
            "%6.2f %%  %10s  %10s  %10s  %8llu  ",
            all > 0 ? call.micros / all * 100 : 0,
            duration(call.micros).c_str(),
            duration(call.micros / static_cast<double>(call.calls)).c_str(),
            duration(call.longest_micros).c_str(),
            static_cast<unsigned long long>(call.calls)
        ) +
        call.name + (errors.empty() ? "" : " (" + errors + ")")
    );
  }
}

std::string end_words(const SyscallTrace& trace) {
  switch (trace.end) {
    case TraceEnd::duration: return {};
    case TraceEnd::stops:
      return "ended early: it had been stopped as often as a trace may (" +
             std::to_string(trace.stops) + " times)";
    case TraceEnd::held: return "ended early: it had been held stopped for as long as a trace may";
    case TraceEnd::exec: return "ended early: the process became another program";
    case TraceEnd::exited: return "ended early: the process ended";
  }
  return {};
}

std::string cost_words(const SyscallTrace& trace) {
  if (trace.method == TraceMethod::perf) return "never stopped, no call broken off";
  std::string words =
      std::to_string(trace.stops) + (trace.stops == 1 ? " stop" : " stops") +
      ", held stopped for at least " + duration(trace.held_micros) + " (" +
      format("%.1f %%", trace.seconds > 0 ? trace.held_micros / 1e4 / trace.seconds : 0) +
      " of the time), longest " + duration(trace.longest_held_micros);
  if (!trace.interrupted.empty())
    words += "; the first stop broke off its " + trace.interrupted +
             " (EINTR, or the kernel restarted it)";
  return words;
}

std::string after_words(const SyscallTrace& trace) {
  if (trace.state_after == ProcessState::unknown) return {};
  std::string words = std::string("state ") + static_cast<char>(trace.state_after);
  if (trace.tracer_after != 0) words += ", traced by " + std::to_string(trace.tracer_after);
  return words;
}

}  // namespace

void write_trace(const SyscallTrace& trace, ReportWriter& out) {
  out.heading(
      "System calls (" + std::string(to_string(trace.method)) + ", " +
      text::seconds(trace.seconds) + ")"
  );
  write_calls(trace, out);
  if (trace.unfinished)
    out.field(
        "unfinished",
        trace.unfinished->name + ", for " + text::seconds(trace.unfinished->seconds) +
            " when the trace ended"
    );
  out.field("bound", end_words(trace));
  out.field("cost", cost_words(trace));
  if (trace.method == TraceMethod::ptrace) out.field("not by perf", text::printable(trace.no_perf));
  if (trace.signals > 0)
    out.field("signals", std::to_string(trace.signals) + " came meanwhile and were passed on");
  if (trace.threads > 1)
    out.field("threads", "only the main one of " + std::to_string(trace.threads) + " was traced");
  if (trace.lost > 0)
    out.field("lost", std::to_string(trace.lost) + " entries and exits came too fast to be kept");
  out.field("afterwards", after_words(trace));
}

}  // namespace pghang
