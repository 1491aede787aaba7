#include "collectors/sampler/mappings_memo.h"

#include <utility>

namespace pghang::sampler {

std::uint32_t MappingsMemo::find(std::string_view text) const {
  if (text.empty()) return 0;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].text == text) return static_cast<std::uint32_t>(i) + 1;
  return 0;
}

const std::vector<Mapping>& MappingsMemo::at(std::uint32_t number) const {
  static const std::vector<Mapping> kNone;
  return number == 0 || number > entries_.size() ? kNone : entries_[number - 1].mappings;
}

std::vector<Mapping> MappingsMemo::take(std::uint32_t number) {
  if (number == 0 || number > entries_.size()) return {};
  return std::move(entries_[number - 1].mappings);
}

void MappingsMemo::give_back(std::uint32_t number, std::vector<Mapping> mappings) {
  if (number == 0 || number > entries_.size()) return;
  entries_[number - 1].mappings = std::move(mappings);
}

void MappingsMemo::remember(std::string text, const std::vector<Mapping>& mappings) {
  entries_[next_] = {std::move(text), mappings};
  next_ = (next_ + 1) % entries_.size();
}

}  // namespace pghang::sampler
