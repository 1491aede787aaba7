#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exporters/incident_list.h"
#include "exporters/view.h"

namespace pghang {

/// Everything that hung in one place: the incidents of one fingerprint.
struct FingerprintGroup {
  std::string id;    ///< Fingerprint::stable
  std::string text;  ///< as of its newest incident
  int algorithm = 0;
  std::string signature;  ///< of its newest incident that matched one; empty: none did
  /// Backends of open incidents, now.
  std::size_t backends = 0;
  std::vector<std::string> targets;  ///< sorted, without repetition; so are the causes
  std::vector<std::string> causes;
  std::vector<const Incident*> incidents;  ///< newest first; of the view

  friend bool operator==(const FingerprintGroup&, const FingerprintGroup&) = default;
};

/// Most first: backends that hang there now, incidents, or the latest moment one was opened.
enum class FingerprintOrder { backends, incidents, latest };

[[nodiscard]] const char* to_string(FingerprintOrder order);

struct FingerprintsQuery {
  IncidentFilter filter{};  ///< groups are made of these incidents only
  FingerprintOrder order = FingerprintOrder::backends;
};

/// By fingerprint, in the order asked for, then by id. Refers to `view`.
[[nodiscard]] std::vector<FingerprintGroup>
fingerprint_groups(const View& view, const FingerprintsQuery& query = {});

/// `/api/v1/fingerprints`: the groups, each with the number of its incidents.
[[nodiscard]] std::string fingerprints_json(const View& view, const FingerprintsQuery& query = {});

/// `/api/v1/fingerprints/ID`: one of them, with its incidents.
[[nodiscard]] std::string fingerprint_json(const FingerprintGroup& group);

}  // namespace pghang
