#pragma once

#include <optional>
#include <string>

namespace pghang {

/// A C++ name as its source has it; nothing when `name` is no mangled one.
[[nodiscard]] std::optional<std::string> demangle(const std::string& name);

}  // namespace pghang
