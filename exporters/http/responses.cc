#include "exporters/http/responses.h"

#include <utility>

#include "exporters/json/json.h"

namespace pghang {

HttpResponse text_response(int status, const std::string& line) {
  return {status, "text/plain; charset=utf-8", line + '\n', ""};
}

HttpResponse html_response(std::string page) {
  return {200, "text/html; charset=utf-8", std::move(page), ""};
}

HttpResponse json_response(const std::string& document) {
  return {200, "application/json", document + '\n', ""};
}

HttpResponse json_error(int status, const std::string& message) {
  return {status, "application/json", error_json(message) + '\n', ""};
}

}  // namespace pghang
