#include <optional>
#include <string>
#include <utility>

#include <boost/json.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/text.h"
#include "exporters/view.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::value flag(const std::optional<bool>& value) {
  return value ? json::value(*value) : json::value();
}

}  // namespace

json::value server_processes_value(const std::optional<ServerProcessesView>& view) {
  if (!view) return nullptr;
  json::array processes;
  for (const ServerProcessView& process : view->processes) {
    processes.push_back(json::object{
        {"pid", process.pid},
        {"host_pid", process.host_pid},
        {"title", json_string_or_null(process.title)},
        {"state", std::string(1, static_cast<char>(process.state))},
        {"frozen", process.frozen},
        {"cancel_pending", flag(process.cancel_pending)},
        {"terminate_pending", flag(process.terminate_pending)},
        {"wait_event", json_string_or_null(process.wait_event)},
        {"started_at", rfc3339(process.started_at_micros)},
    });
  }
  return json::object{
      {"source", to_string(Source::os)},
      {"taken_at", rfc3339(view->taken_at_micros)},
      {"summary", json_string(view->summary)},
      {"postmaster_host_pid",
       view->postmaster_host_pid == 0 ? json::value() : json::value(view->postmaster_host_pid)},
      {"list", std::move(processes)},
  };
}

}  // namespace pghang
