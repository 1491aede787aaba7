#pragma once

#include <string>

#include "exporters/http/http_message.h"

namespace pghang {

/// One line for people; its newline is added.
[[nodiscard]] HttpResponse text_response(int status, const std::string& line);

[[nodiscard]] HttpResponse html_response(std::string page);

/// A document of json.h; its newline is added.
[[nodiscard]] HttpResponse json_response(const std::string& document);

/// `{"error": "..."}`: the one form of every error below `/api/`. `message`: one line.
[[nodiscard]] HttpResponse json_error(int status, const std::string& message);

}  // namespace pghang
