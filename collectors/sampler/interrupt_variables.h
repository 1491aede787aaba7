#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/process/interrupt_flags.h"
#include "collectors/process/parsers.h"
#include "collectors/stack/module_cache.h"

namespace pghang::sampler {

/// Where PostgreSQL's interrupt variables live in a process.
struct InterruptVariables {
  bool postgres = false;           ///< its executable has PostgreSQL's symbols
  VariableAddresses addresses;     ///< empty when not
  std::string server_version;      ///< empty when not, or when the executable does not say
  std::optional<Missing> missing;  ///< when the executable's symbols could not be had
};

/// The variables' symbols of the programs seen so far. A search goes through all of .dynsym, 12,000
/// names and the page faults for them (0.9 ms of a capture child), and what a child finds is lost
/// with it: so the worker finds them ahead, and a child inherits them by fork.
class VariableSymbols {
 public:
  struct Program {
    std::shared_ptr<const ElfModule> module;
    bool postgres = false;
    std::vector<std::pair<std::string_view, ElfSymbol>> symbols;
  };

  /// Searches the program of these mappings, unless it is known.
  void learn(const std::vector<Mapping>& mappings, const ModuleSource& modules);
  /// What was learnt of a program; null when nothing.
  [[nodiscard]] const Program* of(const ElfModule& module) const;

 private:
  std::map<const ElfModule*, Program> programs_;
};

/// Symbol value plus load bias, from the first executable mapping of a file: the kernel maps the
/// program below everything else. What `known` does not have is searched for.
[[nodiscard]] InterruptVariables find_interrupt_variables(
    const std::vector<Mapping>& mappings,
    const ModuleSource& modules,
    const VariableSymbols& known
);

}  // namespace pghang::sampler
