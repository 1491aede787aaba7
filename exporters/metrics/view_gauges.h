#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/view.h"

namespace pghang {

/// In the order of the family's row in metric_catalogue().
using LabelValues = std::vector<std::string>;
using GaugeSeries = std::map<LabelValues, double>;

/// At most this many series of `fingerprint_backends`, and so of `fingerprint_info`: it bounds the
/// exposition whatever hangs.
inline constexpr std::size_t kFingerprintLimit = 50;

/// What a View says as gauges.
struct ViewGauges {
  std::map<std::string_view, GaugeSeries> families;  ///< each family is there, maybe empty
  std::set<std::string> dropped_fingerprints;        ///< open, but beyond kFingerprintLimit
};

/// Pure. `now_micros`: unix epoch.
[[nodiscard]] ViewGauges view_gauges(const View& view, std::int64_t now_micros);

/// The cause as a label; `unknown` without a verdict.
[[nodiscard]] std::string cause_label(const Incident& incident);

}  // namespace pghang
