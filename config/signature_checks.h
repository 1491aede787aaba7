#pragma once

#include <vector>

#include "config/checks.h"
#include "config/signatures.h"

namespace pghang {

/// What cannot be right about the signatures of one file although every value by itself is; keys
/// start with `signatures[N]`.
[[nodiscard]] std::vector<Finding> check(const std::vector<Signature>& signatures);

}  // namespace pghang
