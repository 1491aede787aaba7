#include "exporters/check_list.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "exporters/json/json_text.h"

namespace pghang {
namespace {

const char* json_name(Grade grade) {
  switch (grade) {
    case Grade::ok: return "ok";
    case Grade::warn: return "warn";
    case Grade::fail: return "fail";
  }
  return "fail";
}

/// As wide as the widest.
const char* printed_name(Grade grade) {
  switch (grade) {
    case Grade::ok: return "ok  ";
    case Grade::warn: return "warn";
    case Grade::fail: return "FAIL";
  }
  return "FAIL";
}

std::string printed(const CheckLine& line, std::size_t width) {
  std::string text = printed_name(line.grade);
  text += "  " + line.check + std::string(width - line.check.size(), ' ') + "  " + line.text;
  if (!line.fix.empty()) text += "; fix: " + line.fix;
  return text + '\n';
}

std::string counted(std::size_t number, const char* what) {
  return std::to_string(number) + ' ' + what;
}

}  // namespace

std::size_t count(const CheckList& checks, Grade grade) {
  return static_cast<std::size_t>(std::ranges::count(checks, grade, &CheckLine::grade));
}

std::string render_checks(const CheckList& checks) {
  std::size_t width = 0;
  for (const CheckLine& line : checks)
    width = std::max(width, line.check.size());
  std::string text;
  for (const CheckLine& line : checks)
    text += printed(line, width);
  text += counted(checks.size(), "checks: ") + counted(count(checks, Grade::ok), "ok, ") +
          counted(count(checks, Grade::warn), "warned, ") +
          counted(count(checks, Grade::fail), "failed\n");
  return text;
}

std::string checks_json(const CheckList& checks) {
  boost::json::array lines;
  for (const CheckLine& line : checks) {
    lines.push_back(boost::json::object{
        {"check", json_string(line.check)},
        {"grade", json_name(line.grade)},
        {"text", json_string(line.text)},
        {"fix", json_string_or_null(line.fix)},
    });
  }
  return json_text(boost::json::object{
      {"schema_version", 1},
      {"failed", count(checks, Grade::fail)},
      {"warned", count(checks, Grade::warn)},
      {"checks", std::move(lines)},
  });
}

}  // namespace pghang
