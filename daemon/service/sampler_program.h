#pragma once

#include <string>

namespace pghang {

/// Where pghangd-sampler is: `asked` if not empty, else beside this executable, else in libexec.
[[nodiscard]] std::string find_sampler_program(const std::string& asked);

}  // namespace pghang
