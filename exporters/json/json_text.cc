#include "exporters/json/json_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>

#include "exporters/text.h"

namespace pghang {
namespace {

namespace json = boost::json;

constexpr std::size_t kColumns = 100;
constexpr std::size_t kIndent = 2;

void append_scalar(std::string& out, const json::value& value) {
  if (!value.is_double()) {
    out += json::serialize(value);
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.get_double());
  out.append(buffer.data(), end.ptr);
}

/// Appends `value` on one line; gives up, leaving `out` in any state, once it is over `limit`.
bool append_line(std::string& out, const json::value& value, std::size_t limit) {
  const char* separator = "";
  if (const json::array* array = value.if_array()) {
    out += '[';
    for (const json::value& element : *array) {
      out += separator;
      separator = ", ";
      if (!append_line(out, element, limit)) return false;
    }
    out += ']';
  } else if (const json::object* object = value.if_object()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      out += separator;
      separator = ", ";
      append_scalar(out, json::value(key));
      out += ": ";
      if (!append_line(out, member, limit)) return false;
    }
    out += '}';
  } else {
    append_scalar(out, value);
  }
  return out.size() <= limit;
}

/// `column`: where the value starts on its line, after its key.
void append(std::string& out, const json::value& value, std::size_t indent, std::size_t column) {
  std::string line;
  if (!value.is_structured()) {
    append_scalar(out, value);
    return;
  }
  if (append_line(line, value, kColumns > column ? kColumns - column : 0)) {
    out += line;
    return;
  }
  const std::string margin = '\n' + std::string(indent + kIndent, ' ');
  const char* separator = "";
  if (const json::array* array = value.if_array()) {
    out += '[';
    for (const json::value& element : *array) {
      out += separator + margin;
      separator = ",";
      append(out, element, indent + kIndent, indent + kIndent);
    }
  } else {
    out += '{';
    for (const auto& [key, member] : value.get_object()) {
      out += separator + margin;
      separator = ",";
      const std::size_t start = out.size();
      append_scalar(out, json::value(key));
      out += ": ";
      append(out, member, indent + kIndent, indent + kIndent + out.size() - start);
    }
  }
  out += '\n' + std::string(indent, ' ');
  out += value.is_array() ? ']' : '}';
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string out;
  append(out, value, 0, 0);
  return out;
}

json::value json_string(std::string_view text) {
  json::value value(valid_utf8(text));
  return value;
}

json::value json_string_or_null(std::string_view text) {
  return text.empty() ? json::value() : json_string(text);
}

json::value json_number(double value) {
  return std::isfinite(value) ? json::value(value) : json::value();
}

}  // namespace pghang
