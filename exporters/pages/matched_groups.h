#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "exporters/view.h"

namespace pghang {

/// A backend that a rule has matched, with what is known of it.
struct MatchedBackend {
  const BackendView* backend = nullptr;
  const Incident* incident = nullptr;  ///< null: none is kept
  std::size_t behind = 0;              ///< backends that wait behind it
};

/// Those of one server that hang in one place: read once, however many there are.
struct MatchedGroup {
  std::string key;  ///< names the group while the page is open
  const TargetView* target = nullptr;
  bool hung = false;                     ///< unresponsive; else only matched
  std::vector<MatchedBackend> backends;  ///< not empty; furthest along first, then the longest
  std::size_t behind = 0;                ///< the most that wait behind one of them
};

/// What every rule has matched now: hung ones first, then by how many wait behind, then by how
/// far along and how long. Refers to `view`.
[[nodiscard]] std::vector<MatchedGroup> matched_groups(const View& view);

}  // namespace pghang
