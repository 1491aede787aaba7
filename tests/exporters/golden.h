#pragma once

#include <string>

namespace pghang {

/// Compares with tests/exporters/golden/NAME; with PGHANG_REGENERATE=1 in the environment it writes
/// that file instead and fails nothing.
void expect_golden(const std::string& name, const std::string& text);

}  // namespace pghang
