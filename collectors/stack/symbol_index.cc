#include "collectors/stack/symbol_index.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace pghang {

namespace {

/// Symbols that start before an address and do not cover it are passed over, at most this many:
/// functions nest at most a few deep, and damaged tables must not make lookups linear.
constexpr int kMaxNesting = 64;

bool names_code(const Elf64_Sym& symbol) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/// `read_file.isra.0`, `read_file.cold`: GCC's copies and parts of `read_file`.
bool is_clone_of(std::string_view symbol, std::string_view function) {
  return symbol.size() > function.size() && symbol.starts_with(function) &&
         symbol[function.size()] == '.';
}

}  // namespace

std::string_view without_version(std::string_view name) {
  const std::size_t at = name.find('@');
  return at == 0 ? name : name.substr(0, at);
}

void SymbolIndex::add(const SymbolTable& table, const ElfImage& image, bool exported) {
  for (std::size_t i = 0; const auto symbol = record_at<Elf64_Sym>(table.symbols, i); ++i) {
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_size == 0 || !names_code(*symbol)) continue;
    if (symbol->st_size > std::numeric_limits<std::uint32_t>::max()) continue;
    const std::string_view name = without_version(string_at(table.strings, symbol->st_name));
    if (name.empty() || !image.executable(symbol->st_value)) continue;
    Entry entry;
    entry.value = symbol->st_value;
    entry.size = static_cast<std::uint32_t>(symbol->st_size);
    entry.name = name.data();
    entry.name_size = static_cast<std::uint32_t>(name.size());
    entry.exported = exported;
    entries_.push_back(entry);
  }
}

bool SymbolIndex::ambiguous() const {
  std::map<std::uint64_t, std::string_view> seen;
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return seen.try_emplace(entry.value, entry.text()).first->second != entry.text();
  });
}

void SymbolIndex::finish(const PreferredNames& preferred) {
  for (Entry& entry : entries_) {
    const auto found = preferred.find(entry.value);
    if (found == preferred.end()) continue;
    const std::string& name = found->second;
    if (is_clone_of(entry.text(), name)) entry.name_size = static_cast<std::uint32_t>(name.size());
    // Which of several exported names is taken must not depend on DWARF either.
    entry.preferred = !entry.exported && entry.text() == name;
  }
  // .symtab repeats .dynsym: of equal names the exported one comes first and stays.
  const auto identity = [](const Entry& entry) {
    return std::tuple(entry.value, entry.text(), !entry.exported);
  };
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    return identity(a) < identity(b);
  });
  const auto same = [](const Entry& a, const Entry& b) {
    return a.value == b.value && a.text() == b.text();
  };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  const auto rank = [](const Entry& entry) {
    return std::tuple(entry.value, entry.exported, entry.preferred, entry.text());
  };
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    return rank(a) < rank(b);
  });
  entries_.shrink_to_fit();
}

std::optional<ElfSymbol> SymbolIndex::covering(std::uint64_t address) const {
  auto entry = std::upper_bound(
      entries_.begin(),
      entries_.end(),
      address,
      [](std::uint64_t value, const Entry& other) { return value < other.value; }
  );
  const Entry* found = nullptr;
  for (int i = 0; i < kMaxNesting && entry != entries_.begin(); ++i) {
    --entry;
    if (address - entry->value >= entry->size) continue;
    if (found == nullptr || entry->exported) found = &*entry;
    if (entry->exported) break;
  }
  if (found == nullptr) return std::nullopt;
  return ElfSymbol{found->value, found->size, found->text(), found->exported};
}

bool SymbolIndex::has(std::string_view name, std::uint64_t address) const {
  auto entry = std::lower_bound(
      entries_.begin(),
      entries_.end(),
      address,
      [](const Entry& other, std::uint64_t value) { return other.value < value; }
  );
  for (; entry != entries_.end() && entry->value == address; ++entry) {
    if (entry->text() == name) return true;
  }
  return false;
}

}  // namespace pghang
