#pragma once

#include <span>

#include "diagnosis/explanations.h"

namespace pghang {

/// Of requests that were delivered and noted, and are not served (gate 3).
[[nodiscard]] std::span<const Explanation> service_explanations();

/// Of everything else.
[[nodiscard]] std::span<const Explanation> other_explanations();

}  // namespace pghang
