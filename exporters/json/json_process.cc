#include <algorithm>
#include <csignal>
#include <cstring>
#include <type_traits>

#include <boost/json.hpp>

#include "diagnosis/movement.h"
#include "diagnosis/wait_event_names.h"
#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::value state_value(ProcessState state) {
  return json_string(std::string(1, static_cast<char>(state)));
}

std::string signal_name(int number) {
  if (const char* name = ::sigabbrev_np(number)) return std::string("SIG") + name;
  if (number >= SIGRTMIN && number <= SIGRTMAX)
    return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
  return "SIG" + std::to_string(number);
}

json::array signal_names(std::uint64_t set) {
  static constexpr int kSignals = 64;
  json::array names;
  for (int number = 1; number <= kSignals; ++number) {
    if (has_signal(set, number)) names.emplace_back(signal_name(number));
  }
  return names;
}

template <typename T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value();
}

/// One field of the last sample; null without a sample.
template <typename Get>
json::value of_last(const Capture& capture, Get get) {
  return capture.samples.empty() ? json::value() : json::value(get(capture.samples.back()));
}

json::value io_value(const Sample& sample) {
  if (!sample.io) return nullptr;
  return json::object{
      {"rchar", sample.io->rchar},
      {"wchar", sample.io->wchar},
      {"read_bytes", sample.io->read_bytes},
      {"write_bytes", sample.io->write_bytes},
  };
}

double seconds(std::uint64_t nanos) {
  return static_cast<double>(nanos) / 1e9;
}

}  // namespace

json::object related_object(const RelatedProcess& process) {
  return {
      {"pid", process.pid},
      {"comm", json_string(process.comm)},
      {"state", state_value(process.state)},
  };
}

json::object process_object(const Capture& capture) {
  json::array children;
  for (const RelatedProcess& child : capture.children)
    children.emplace_back(related_object(child));
  const auto last = [&](auto get) {
    return of_last(capture, get);
  };
  return {
      {"comm", json_string_or_null(capture.comm)},
      {"state", last([](const Sample& s) { return state_value(s.state); })},
      {"ppid", capture.gone ? json::value() : json::value(capture.ppid)},
      {"ns_pid", capture.gone ? json::value() : json::value(capture.ns_pid)},
      {"wchan", json_string_or_null(capture.wchan)},
      {"cpu_seconds", last([](const Sample& s) { return seconds(s.cpu_nanos); })},
      {"voluntary_switches", last([](const Sample& s) { return s.voluntary_switches; })},
      {"involuntary_switches", last([](const Sample& s) { return s.involuntary_switches; })},
      {"io", last(io_value)},
      {"pending_signals", last([](const Sample& s) {
         return signal_names(s.signals.pending_thread | s.signals.pending_process);
       })},
      {"blocked_signals", last([](const Sample& s) { return signal_names(s.signals.blocked); })},
      {"ignored_signals", last([](const Sample& s) { return signal_names(s.signals.ignored); })},
      {"caught_signals", last([](const Sample& s) { return signal_names(s.signals.caught); })},
      {"tracer", capture.tracer ? json::value(related_object(*capture.tracer)) : json::value()},
      {"frozen", last([](const Sample& s) { return s.frozen; })},
      {"oom_score", capture.oom ? json::value(capture.oom->score) : json::value()},
      {"oom_score_adj", capture.oom ? json::value(capture.oom->adjustment) : json::value()},
      {"children", std::move(children)},
  };
}

json::object interrupts_object(const Evidence& evidence) {
  const Capture& capture = evidence.capture;
  const InterruptFlags flags =
      capture.samples.empty() ? InterruptFlags{} : capture.samples.back().flags;
  return {
      {"interrupt_pending", or_null(flags.interrupt_pending)},
      {"query_cancel_pending", or_null(flags.query_cancel_pending)},
      {"proc_die_pending", or_null(flags.proc_die_pending)},
      {"interrupt_holdoff_count", or_null(flags.interrupt_holdoff_count)},
      {"query_cancel_holdoff_count", or_null(flags.query_cancel_holdoff_count)},
      {"crit_section_count", or_null(flags.crit_section_count)},
      {"proc_exit_inprogress", or_null(flags.proc_exit_inprogress)},
      {"client_auth_in_progress", or_null(flags.client_auth_in_progress)},
      {"wait_event",
       flags.wait_event_info ? json_string(wait_event_in_memory(evidence)) : json::value()},
  };
}

json::object samples_object(const std::vector<Sample>& samples) {
  const Movement movement = movement_of(samples);
  json::object object{
      {"count", movement.samples},
      {"distinct", movement.distinct},
      {"stops", movement.stops},
      {"held_us", json_number(movement.held_micros)},
      {"cpu_seconds", nullptr},
      {"switches", nullptr},
      {"read_bytes", nullptr},
      {"write_bytes", nullptr},
      {"moving", nullptr},
  };
  if (samples.size() < 2) return object;
  object["cpu_seconds"] = seconds(movement.cpu_nanos);
  object["switches"] = movement.switches;
  object["read_bytes"] = or_null(movement.read_bytes);
  object["write_bytes"] = or_null(movement.write_bytes);
  object["moving"] = movement.moving();
  return object;
}

}  // namespace pghang
