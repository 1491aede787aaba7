#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "collectors/evidence/activity.h"

namespace pghang {

/// Why one rule does not match a backend.
struct RuleMismatch {
  std::string rule;
  std::string criterion;  ///< the first that does not hold: `query_age: 3s, wanted 10min`
};

/// What the rules would do about one backend.
struct PlannedBackend {
  Activity activity;  ///< with its query masked
  std::string rule;   ///< the one that matches; empty: none does
  /// The rule is about another backend of its group: about which pid. Else 0.
  pid_t spared_for = 0;
  std::string exemption;  ///< why it would not be signalled all the same; else empty
  std::string signal;     ///< what would be sent first, `cancel` or `terminate`; else empty
  std::string steps;      ///< the same and what follows, in words
  std::vector<RuleMismatch> mismatches;  ///< of each rule, where none matches
  std::string protected_by;  ///< name of the `protect` entry, where the exemption is `protected`
  /// `cancel: must be ...`: what the server said to the latest signal of a pghangd that its store
  /// knows of, where it refused that.
  std::string refused;
};

/// What `pghangd plan` says about one server.
struct PlanView {
  std::string target;
  ServerInfo server;
  std::string mode;  ///< `observe`, `enforce`
  std::vector<PlannedBackend> backends;
  std::vector<std::string> notes;  ///< what would withhold signals from all of them, in words
};

/// `pghangd plan --json`: one object, without a newline at its end.
[[nodiscard]] std::string plan_json(const std::vector<PlanView>& targets);

}  // namespace pghang
