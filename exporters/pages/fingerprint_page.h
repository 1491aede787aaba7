#pragma once

#include <string>

#include "exporters/fingerprints.h"

namespace pghang {

/// `/fingerprints/ID`, where an alert leads: how many hang there now, the newest verdict and its
/// evidence, and the incidents, newest first.
[[nodiscard]] std::string fingerprint_page(const FingerprintGroup& group);

}  // namespace pghang
