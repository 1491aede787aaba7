#pragma once

#include <array>
#include <string_view>

#include "collectors/process/arguments.h"

namespace pghang {

using Renderer = arguments::Text (*)(const Call& call, std::size_t index);

/// What the arguments of one system call are; the first null ends them.
struct CallShape {
  std::string_view name;
  std::array<Renderer, 6> arguments{};
};

/// Nothing for a call that is not in the table: its arguments are not shown.
[[nodiscard]] const CallShape* find_shape(std::string_view name);

}  // namespace pghang
