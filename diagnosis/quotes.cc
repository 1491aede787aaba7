#include "diagnosis/quotes.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "diagnosis/movement.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

/// What can be quoted. `where` is wchan, the system call and its descriptor's target.
enum class Piece {
  asked,
  flags,
  exit,
  counters,
  signal,
  caught,
  states,
  tracer,
  switches,
  io,
  stack,
  where,
  parent,
  authentication,
  cluster
};

std::vector<Piece> pieces_of(Cause cause) {
  switch (cause) {
    case Cause::gone: return {Piece::states};
    case Cause::frozen:
    case Cause::stopped: return {Piece::states, Piece::signal};
    case Cause::traced: return {Piece::states, Piece::tracer, Piece::signal};
    case Cause::exiting:
    case Cause::making_progress:
      return {Piece::exit, Piece::counters, Piece::states, Piece::io, Piece::where, Piece::cluster};
    case Cause::uninterruptible_io:
      return {Piece::states, Piece::signal, Piece::switches, Piece::io, Piece::where};
    case Cause::signal_ignored: return {Piece::signal, Piece::states};
    case Cause::signals_blocked: return {Piece::signal, Piece::flags, Piece::states, Piece::where};
    case Cause::blocked_reporting: return {Piece::flags, Piece::stack, Piece::states, Piece::where};
    case Cause::handler_replaced: return {Piece::asked, Piece::caught, Piece::flags, Piece::states};
    case Cause::critical_section:
    case Cause::lwlock_wait:
    case Cause::interrupts_held:
    case Cause::spinning:
    case Cause::blocking_call:
    case Cause::client_write:
      return {
          Piece::flags,
          Piece::counters,
          Piece::parent,
          Piece::authentication,
          Piece::states,
          Piece::switches,
          Piece::where,
          Piece::cluster};
    case Cause::not_stuck:
    case Cause::unknown:
      return {
          Piece::asked,
          Piece::signal,
          Piece::flags,
          Piece::parent,
          Piece::authentication,
          Piece::states,
          Piece::where};
  }
  return {};
}

std::string number(const char* name, const std::optional<std::int64_t>& value) {
  return value ? std::string(name) + "=" + std::to_string(*value) : std::string();
}

std::string list(std::vector<std::string> parts) {
  std::erase(parts, "");
  return text::join(parts);
}

std::string quote_asked(const Asked& asked) {
  const auto one = [](const char* name, const auto& ago, auto grace) {
    if (!ago) return std::string();
    const auto in_seconds = [](auto duration) {
      return text::seconds(static_cast<double>(duration.count()) / 1000);
    };
    return std::string(name) + " accepted " + in_seconds(*ago) + " ago (grace " +
           in_seconds(grace) + ")";
  };
  return list(
      {one("cancel", asked.cancel_accepted_ago, asked.cancel_grace),
       one("terminate", asked.terminate_accepted_ago, asked.terminate_grace)}
  );
}

std::string quote_counters(const Sample& sample, Request judged) {
  const bool cancel = judged == Request::cancel;
  return list(
      {number("InterruptHoldoffCount", sample.flags.interrupt_holdoff_count),
       cancel ? number("QueryCancelHoldoffCount", sample.flags.query_cancel_holdoff_count) : "",
       number("CritSectionCount", sample.flags.crit_section_count)}
  );
}

std::string quote_flags(const InterruptFlags& flags, const Facts& facts) {
  if (facts.judged == Request::cancel)
    return number("QueryCancelPending", flags.query_cancel_pending);
  return list(
      {number("ProcDiePending", flags.proc_die_pending),
       facts.auxiliary ? number("ShutdownRequestPending", flags.shutdown_request_pending) : ""}
  );
}

std::string quote_signal(const Sample& sample, Request judged) {
  const bool cancel = judged == Request::cancel;
  const int signal = cancel ? SIGINT : SIGTERM;
  std::vector<std::string> where;
  if (is_pending(sample.signals, signal)) where.emplace_back("pending");
  if (has_signal(sample.signals.blocked, signal)) where.emplace_back("in SigBlk");
  if (has_signal(sample.signals.ignored, signal)) where.emplace_back("in SigIgn");
  if (where.empty()) return {};
  return std::string(cancel ? "SIGINT " : "SIGTERM ") + text::join(where);
}

std::string quote_caught(const Sample& sample, Request judged) {
  const bool cancel = judged == Request::cancel;
  const bool caught = has_signal(sample.signals.caught, cancel ? SIGINT : SIGTERM);
  return std::string(cancel ? "SIGINT" : "SIGTERM") + " not pending, " +
         (caught ? "in SigCgt" : "not in SigCgt");
}

std::string quote_where(const Capture& capture) {
  std::vector<std::string> parts;
  if (!capture.wchan.empty() && capture.wchan != "0") parts.push_back("wchan " + capture.wchan);
  if (capture.syscall) {
    parts.push_back(text::printable(capture.syscall->text));
    if (const auto& fd = capture.syscall->fd; fd && fd->number >= 0)
      parts.push_back(
          "descriptor " + std::to_string(fd->number) + " is " + text::printable(fd->target)
      );
  }
  return text::join(parts, "; ");
}

std::string quote_parent(const Capture& capture, const InterruptFlags& flags) {
  if (!capture.orphan) return {};
  return number("PostmasterPid", flags.postmaster_pid) + ", parent " +
         host_pid_words(capture.ppid, capture);
}

std::string quote_cluster(const Capture& capture) {
  const std::size_t count = capture.cluster.size();
  if (count == 0) return {};
  return count == 1 ? "1 other process of its cluster looked at"
                    : std::to_string(count) + " other processes of its cluster looked at";
}

std::string quote_tracer(const Capture& capture) {
  const pid_t pid = capture.samples.empty() ? 0 : capture.samples.back().tracer_pid;
  return pid == 0 ? std::string() : "TracerPid=" + std::to_string(pid);
}

std::string quote_piece(Piece piece, const Evidence& evidence, const Facts& facts) {
  const Capture& capture = evidence.capture;
  const Sample latest = capture.samples.empty() ? Sample{} : capture.samples.back();
  switch (piece) {
    case Piece::asked: return quote_asked(evidence.asked);
    case Piece::flags: return quote_flags(latest.flags, facts);
    case Piece::exit:
      return facts.exiting ? number("proc_exit_inprogress", latest.flags.proc_exit_inprogress) : "";
    case Piece::counters: return quote_counters(latest, facts.judged);
    case Piece::signal: return quote_signal(latest, facts.judged);
    case Piece::caught: return quote_caught(latest, facts.judged);
    case Piece::states: return quote_states(evidence);
    case Piece::tracer: return quote_tracer(capture);
    case Piece::switches: return quote_switches(evidence);
    case Piece::io: return quote_io(evidence);
    case Piece::stack:
      return facts.inferred_interrupts ? "errfinish on the stack"
                                       : "ProcessInterrupts on the stack";
    case Piece::where: return quote_where(capture);
    case Piece::parent: return quote_parent(capture, latest.flags);
    case Piece::authentication:
      return latest.flags.client_auth_in_progress.value_or(0) > 0 ? "ClientAuthInProgress=1" : "";
    case Piece::cluster: return quote_cluster(capture);
  }
  return {};
}

}  // namespace

std::string quote(Cause cause, const Evidence& evidence, const Facts& facts) {
  if (evidence.capture.gone) return {};
  std::vector<std::string> quotes;
  for (const Piece piece : pieces_of(cause))
    quotes.push_back(quote_piece(piece, evidence, facts));
  std::erase(quotes, "");
  return text::join(quotes, "; ");
}

std::string quote_switches(const Evidence& evidence) {
  const auto& samples = evidence.capture.samples;
  if (samples.size() < 2) return {};
  const Movement movement = movement_of(samples);
  const std::uint64_t count = movement.switches;
  const double cpu = static_cast<double>(movement.cpu_nanos) / 1e9;
  const std::string words = count == 0   ? "no context switch"
                            : count == 1 ? "1 context switch"
                                         : std::to_string(count) + " context switches";
  return words + " and " + text::seconds(cpu) + " CPU between them";
}

std::string quote_holding(const Sample& sample, Request judged) {
  Sample above_zero = sample;
  for (auto* counter :
       {&above_zero.flags.interrupt_holdoff_count,
        &above_zero.flags.query_cancel_holdoff_count,
        &above_zero.flags.crit_section_count})
    if (*counter == 0) counter->reset();
  return quote_counters(above_zero, judged);
}

std::string quote_io(const Evidence& evidence) {
  const Movement movement = movement_of(evidence.capture.samples);
  if (!movement.read_bytes || !movement.write_bytes) return "I/O counters not available";
  return std::to_string(*movement.read_bytes) + " bytes read and " +
         std::to_string(*movement.write_bytes) + " written between the samples";
}

std::string quote_states(const Evidence& evidence) {
  const auto& samples = evidence.capture.samples;
  if (samples.empty()) return {};
  std::map<char, std::size_t> counts;
  for (const Sample& sample : samples)
    ++counts[static_cast<char>(sample.state)];
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [state, count] : counts)
    parts.push_back(std::string(1, state) + " in " + std::to_string(count));
  const bool frozen = samples.back().frozen;
  return "state " + text::join(parts) + " of " + std::to_string(samples.size()) +
         (samples.size() == 1 ? " sample" : " samples") + (frozen ? ", cgroup frozen" : "");
}

}  // namespace pghang
