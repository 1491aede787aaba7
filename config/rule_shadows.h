#pragma once

#include "config/settings.h"

namespace pghang {

/// How sure it is that every backend that one rule matches is matched by another.
enum class Implied {
  no,      ///< or it cannot be told
  likely,  ///< as far as regular expressions can be compared
  yes,
};

/// Whether all that `later` asks for implies what `earlier` asks for. Never `yes` wrongly.
[[nodiscard]] Implied implies(const Rule& later, const Rule& earlier);

}  // namespace pghang
