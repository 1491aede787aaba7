#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace pghang {

/// A state of pg_stat_activity.
struct BackendState {
  std::string name;
  bool is_idle = false;         ///< between statements, where PostgreSQL ignores a cancel
  bool has_transaction = true;  ///< may have one: not between transactions
  bool has_times = true;        ///< its timestamps are not NULL
};

/// pg_stat_get_activity() (pgstatfuncs.c); `starting` is new in 18.
[[nodiscard]] const std::vector<BackendState>& backend_states();

/// Those that a rule's `state` and `idle_in_transaction` let pass.
[[nodiscard]] std::vector<BackendState> admitted_states(const Match& match);

}  // namespace pghang
