#include "exporters/json/json_signals.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "exporters/json/json_text.h"
#include "exporters/text.h"

namespace pghang {

std::string signals_json(const std::vector<SignalRecord>& signals) {
  boost::json::array array;
  for (const SignalRecord& signal : signals) {
    array.push_back(boost::json::object{
        {"at", rfc3339(signal.at_micros)},
        {"target", json_string(signal.target)},
        {"incident", json_string(signal.incident)},
        {"signal", json_string(signal.signal)},
        {"answer", json_string(signal.answer)},
        {"words", json_string_or_null(signal.words)},
        {"rule", json_string(signal.rule)},
        {"why", json_string(signal.why)},
        {"pid", signal.backend.pid},
        {"backend_start", rfc3339(unix_micros(signal.backend.backend_start))},
        {"user", json_string_or_null(signal.user)},
        {"database", json_string_or_null(signal.database)},
        {"application_name", json_string_or_null(signal.application_name)},
    });
  }
  return json_text(boost::json::object{{"schema_version", 1}, {"signals", std::move(array)}});
}

}  // namespace pghang
