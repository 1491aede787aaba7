#pragma once

#include "collectors/evidence/evidence.h"

namespace pghang::fuzz {

/// All that the daemon does with evidence: a verdict, the report as text, and JSON that parses.
void explain(const Evidence& evidence);

}  // namespace pghang::fuzz
