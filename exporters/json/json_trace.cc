#include <optional>
#include <string>
#include <utility>

#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::object call_object(const TracedCall& call, double all_micros) {
  json::array errors;
  for (const TracedError& error : call.errors)
    errors.emplace_back(json::object{{"name", json_string(error.name)}, {"count", error.count}});
  return {
      {"number", call.number},
      {"name", json_string(call.name)},
      {"calls", call.calls},
      {"total_us", json_number(call.micros)},
      {"per_call_us", json_number(call.micros / static_cast<double>(call.calls))},
      {"longest_us", json_number(call.longest_micros)},
      {"share", json_number(all_micros > 0 ? call.micros / all_micros : 0)},
      {"errors", std::move(errors)},
  };
}

}  // namespace

json::value trace_value(const std::optional<SyscallTrace>& trace) {
  if (!trace) return nullptr;
  double all = 0;
  for (const TracedCall& call : trace->calls)
    all += call.micros;
  json::array calls;
  for (const TracedCall& call : trace->calls)
    calls.emplace_back(call_object(call, all));
  json::value unfinished = nullptr;
  if (trace->unfinished) {
    unfinished = json::object{
        {"number", trace->unfinished->number},
        {"name", json_string(trace->unfinished->name)},
        {"seconds", json_number(trace->unfinished->seconds)},
    };
  }
  return json::object{
      {"method", to_string(trace->method)},
      {"asked_seconds", json_number(trace->asked_seconds)},
      {"seconds", json_number(trace->seconds)},
      {"ended_by", to_string(trace->end)},
      {"calls", std::move(calls)},
      {"unfinished", std::move(unfinished)},
      {"stops", trace->stops},
      {"held_us", json_number(trace->held_micros)},
      {"longest_held_us", json_number(trace->longest_held_micros)},
      {"interrupted", json_string_or_null(trace->interrupted)},
      {"no_perf", json_string_or_null(trace->no_perf)},
      {"signals", trace->signals},
      {"threads", trace->threads},
      {"lost", trace->lost},
      {"state_after", json_string(std::string(1, static_cast<char>(trace->state_after)))},
      {"tracer_after", trace->tracer_after == 0 ? json::value() : json::value(trace->tracer_after)},
  };
}

}  // namespace pghang
