#include "collectors/stack/address_layout.h"

#include <algorithm>

#include "collectors/stack/elf_image.h"

namespace pghang {

AddressLayout::AddressLayout(const StackSnapshot& snapshot, const ModuleSource& modules)
    : snapshot_(snapshot),
      modules_(modules) {
  regions_.reserve(snapshot.mappings.size());
  for (const Mapping& mapping : snapshot.mappings)
    regions_.push_back({&mapping, nullptr, 0, false});
  const auto by_start = [](const Region& a, const Region& b) {
    return a.mapping->start < b.mapping->start;
  };
  // The kernel lists them sorted; a damaged snapshot may not.
  if (!std::is_sorted(regions_.begin(), regions_.end(), by_start)) {
    std::sort(regions_.begin(), regions_.end(), by_start);
  }
}

CodePlace AddressLayout::at(std::uint64_t address) const {
  auto region = std::upper_bound(
      regions_.begin(),
      regions_.end(),
      address,
      [](std::uint64_t value, const Region& other) { return value < other.mapping->start; }
  );
  if (region == regions_.begin()) return {};
  --region;
  const Mapping& mapping = *region->mapping;
  if (!mapping.contains(address)) return {};
  if (!region->resolved) {
    region->resolved = true;
    region->module = mapping.path.empty() ? nullptr : modules_.module_of(mapping);
    if (region->module != nullptr) {
      const auto start = region->module->address_of_offset(mapping.offset, mapping.executable);
      if (start) {
        region->bias = mapping.start - *start;
      } else {
        region->module = nullptr;
      }
    }
  }
  return {&mapping, region->module.get(), region->bias};
}

std::string_view AddressLayout::bytes(std::uint64_t address, std::size_t size) const {
  if (address >= snapshot_.stack_start &&
      address - snapshot_.stack_start < snapshot_.stack.size()) {
    return std::string_view(snapshot_.stack).substr(address - snapshot_.stack_start, size);
  }
  const CodePlace place = at(address);
  if (place.module == nullptr) return {};
  return place.module->bytes_at(address - place.bias, size);
}

std::optional<std::uint64_t> AddressLayout::stack_word(std::uint64_t address) const {
  if (address < snapshot_.stack_start) return std::nullopt;
  const std::uint64_t within = address - snapshot_.stack_start;
  if (within >= snapshot_.stack.size()) return std::nullopt;
  return record_at<std::uint64_t>(std::string_view(snapshot_.stack).substr(within), 0);
}

std::uint64_t AddressLayout::stack_end() const {
  return snapshot_.stack_start + snapshot_.stack.size();
}

}  // namespace pghang
