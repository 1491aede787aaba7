#pragma once

#include "collectors/evidence/evidence.h"

namespace pghang {

/// Diagnoses, and prints the report, or the JSON object, on standard output.
void print_diagnosis(const Evidence& evidence, bool json);

}  // namespace pghang
