#pragma once

#include <cstdint>
#include <string>

#include "exporters/fingerprints.h"

namespace pghang {

/// `/fingerprints/ID`, where an alert leads: how many hang there now and did over time, the newest
/// verdict and its evidence, and the incidents, newest first. `now`: unix epoch.
[[nodiscard]] std::string fingerprint_page(const FingerprintGroup& group, std::int64_t now);

/// Fingerprints a row each, in the order given, at most `limit`: open now, kept, over time.
/// `folder` leads to their pages: `fingerprints/`. HTML; nothing for none.
[[nodiscard]] std::string fingerprint_table(
    const std::vector<FingerprintGroup>& groups,
    std::size_t limit,
    const std::string& folder,
    std::int64_t now
);

}  // namespace pghang
