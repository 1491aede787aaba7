#pragma once

#include <optional>

#include "diagnosis/signature.h"

namespace pghang {

/// What a signature whose other criteria hold says of the subject's release; nothing when that
/// release does not have the bug.
[[nodiscard]] std::optional<SignatureMatch>
judge_versions(const Signature& signature, const SignatureSubject& subject);

}  // namespace pghang
