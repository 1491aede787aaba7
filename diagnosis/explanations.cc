#include "diagnosis/explanations.h"

#include <algorithm>
#include <vector>

#include "diagnosis/explanation_tables.h"

namespace pghang {

std::span<const Explanation> explanations() {
  static const std::vector<Explanation> kAll = [] {
    std::vector<Explanation> all;
    for (const auto table : {other_explanations(), service_explanations()})
      all.insert(all.end(), table.begin(), table.end());
    return all;
  }();
  return kAll;
}

const Explanation& explanation(Story story) {
  const auto all = explanations();
  const auto found = std::ranges::find(all, story, &Explanation::story);
  return found == all.end() ? all.back() : *found;
}

}  // namespace pghang
