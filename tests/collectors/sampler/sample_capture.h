#pragma once

#include "collectors/evidence/capture.h"

namespace pghang::sampler::testing {

/// A capture in which every field has a value of its own.
[[nodiscard]] Capture full_capture();

}  // namespace pghang::sampler::testing
