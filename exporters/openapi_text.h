#pragma once

#include <string_view>

namespace pghang {

/// exporters/openapi.yaml, compiled in.
[[nodiscard]] std::string_view openapi_text();

}  // namespace pghang
