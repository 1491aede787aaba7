#pragma once

#include <string>

#include "collectors/stack/elf_image.h"

namespace pghang {

/// `15.20`, `18beta1`: what follows `postgres (PostgreSQL) ` (PG_BACKEND_VERSIONSTR, what
/// `postgres --version` prints) in the constants of a
/// program. Empty for libraries, other programs, and where nothing like a version follows.
[[nodiscard]] std::string find_server_version(const ElfImage& image);

}  // namespace pghang
