#include "collectors/sampler/interrupt_variables.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pghang::sampler {
namespace {

constexpr std::array<std::string_view, 3> kPostgresSymbols{
    "InterruptPending",
    "ProcDiePending",
    "PostmasterPid"};

}  // namespace

InterruptVariables
find_interrupt_variables(const std::vector<Mapping>& mappings, const ModuleSource& modules) {
  InterruptVariables found;
  const auto program = std::find_if(mappings.begin(), mappings.end(), [](const Mapping& mapping) {
    return mapping.executable && mapping.inode != 0;
  });
  if (program == mappings.end()) return found;
  const auto module = modules.module_of(*program);
  if (!module) {
    found.missing = Missing{
        .evidence = "interrupts",
        .error = "the symbols of " + program->path + " could not be read",
        .needs = program->deleted ? "CAP_CHECKPOINT_RESTORE" : ""};
    return found;
  }
  found.postgres =
      std::all_of(kPostgresSymbols.begin(), kPostgresSymbols.end(), [&](std::string_view name) {
        return module->find(name).has_value();
      });
  const auto linked_at = module->address_of_offset(program->offset);
  if (found.postgres) found.server_version = module->server_version();
  if (!found.postgres || !linked_at) return found;
  const std::uint64_t bias = program->start - *linked_at;
  for (const std::string_view name : interrupt_variable_names()) {
    if (const auto symbol = module->find(name)) {
      found.addresses.emplace(name, VariableAddress{bias + symbol->value, symbol->size});
    }
  }
  return found;
}

}  // namespace pghang::sampler
