#pragma once

#include <string>

#include "config/settings.h"

namespace pghang {

/// Everything that a rule says beyond the defaults, in one text: two rules have the same text when
/// they are the same rule, also in the eyes of a later version that knows more keys.
[[nodiscard]] std::string rule_text(Rule rule);

}  // namespace pghang
