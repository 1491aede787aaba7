#pragma once

#include <optional>
#include <string>
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

/// Symbol value plus load bias, from the first executable mapping of a file: the kernel maps the
/// program below everything else.
[[nodiscard]] InterruptVariables
find_interrupt_variables(const std::vector<Mapping>& mappings, const ModuleSource& modules);

}  // namespace pghang::sampler
