#include "collectors/sampler/interrupt_variables.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace pghang::sampler {
namespace {

constexpr std::array<std::string_view, 3> kPostgresSymbols{
    "InterruptPending",
    "ProcDiePending",
    "PostmasterPid"};

/// More programs than servers run on a host: a worker that has seen so many starts over.
constexpr std::size_t kMaxPrograms = 16;

const Mapping* program_of(const std::vector<Mapping>& mappings) {
  const auto program = std::find_if(mappings.begin(), mappings.end(), [](const Mapping& mapping) {
    return mapping.executable && mapping.inode != 0;
  });
  return program == mappings.end() ? nullptr : &*program;
}

VariableSymbols::Program search(std::shared_ptr<const ElfModule> module) {
  VariableSymbols::Program program;
  program.postgres =
      std::all_of(kPostgresSymbols.begin(), kPostgresSymbols.end(), [&](std::string_view name) {
        return module->find(name).has_value();
      });
  if (program.postgres) {
    for (const std::string_view name : interrupt_variable_names())
      if (const auto symbol = module->find(name)) program.symbols.emplace_back(name, *symbol);
  }
  program.module = std::move(module);
  return program;
}

}  // namespace

void VariableSymbols::learn(const std::vector<Mapping>& mappings, const ModuleSource& modules) {
  const Mapping* mapping = program_of(mappings);
  auto module = mapping == nullptr ? nullptr : modules.module_of(*mapping);
  if (module == nullptr || programs_.contains(module.get())) return;
  if (programs_.size() >= kMaxPrograms) programs_.clear();
  const ElfModule* key = module.get();
  programs_.emplace(key, search(std::move(module)));
}

const VariableSymbols::Program* VariableSymbols::of(const ElfModule& module) const {
  const auto found = programs_.find(&module);
  return found == programs_.end() ? nullptr : &found->second;
}

InterruptVariables find_interrupt_variables(
    const std::vector<Mapping>& mappings,
    const ModuleSource& modules,
    const VariableSymbols& known
) {
  InterruptVariables found;
  const Mapping* mapping = program_of(mappings);
  if (mapping == nullptr) return found;
  const auto module = modules.module_of(*mapping);
  if (!module) {
    found.missing = Missing{
        .evidence = "interrupts",
        .error = "the symbols of " + mapping->path + " could not be read",
        .needs = mapping->deleted ? "CAP_CHECKPOINT_RESTORE" : ""};
    return found;
  }
  VariableSymbols::Program searched;
  const VariableSymbols::Program* program = known.of(*module);
  if (program == nullptr) {
    searched = search(module);
    program = &searched;
  }
  found.postgres = program->postgres;
  if (found.postgres) found.server_version = module->server_version();
  const auto linked_at = module->address_of_offset(mapping->offset);
  if (!found.postgres || !linked_at) return found;
  const std::uint64_t bias = mapping->start - *linked_at;
  for (const auto& [name, symbol] : program->symbols)
    found.addresses.emplace(name, VariableAddress{bias + symbol.value, symbol.size});
  return found;
}

}  // namespace pghang::sampler
