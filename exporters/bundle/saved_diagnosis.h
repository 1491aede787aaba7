#pragma once

#include <string_view>

#include "config/result.h"
#include "diagnosis/signature_subject.h"

namespace pghang {

/// What a signature needs of a saved `diagnose --json` object, or of the `diagnosis` of an
/// incident. Fields that are absent or null are not known. Errors: malformed (no JSON, or no such
/// object).
[[nodiscard]] Result<SignatureSubject> subject_of_json(std::string_view text);

}  // namespace pghang
