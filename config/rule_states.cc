#include "config/rule_states.h"

#include "config/pattern.h"

namespace pghang {

const std::vector<BackendState>& backend_states() {
  static const std::vector<BackendState> kStates{
      {.name = "active"},
      {.name = "idle", .is_idle = true, .has_transaction = false},
      {.name = "idle in transaction", .is_idle = true},
      {.name = "idle in transaction (aborted)", .is_idle = true},
      {.name = "fastpath function call"},
      {.name = "starting"},
      {.name = "disabled", .has_times = false},
  };
  return kStates;
}

std::vector<BackendState> admitted_states(const Match& match) {
  std::vector<BackendState> admitted;
  for (const BackendState& state : backend_states()) {
    const bool fits = !match.idle_in_transaction || (state.is_idle && state.has_transaction);
    if (fits && admits(match.state, state.name)) admitted.push_back(state);
  }
  return admitted;
}

}  // namespace pghang
