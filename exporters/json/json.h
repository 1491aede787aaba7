#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "diagnosis/incident.h"
#include "exporters/view.h"

/// The JSON contract of DESIGN section 7, schema_version 1. Numbers are JSON numbers, addresses
/// `"0x…"` strings, times RFC 3339 strings in UTC; what is unknown is null; fields are never
/// renamed. Foreign bytes come out as valid UTF-8. No document ends in a newline.
namespace pghang {

/// Which incidents a list has.
struct IncidentFilter {
  std::optional<bool> open;  ///< only open ones, or only resolved ones
  std::size_t limit = std::numeric_limits<std::size_t>::max();  ///< the newest so many
};

/// `diagnose --json` and the `diagnosis` member of an incident. `samples` is what movement.h says;
/// `stack.held_us` is of the whole capture, as `samples.held_us`, and a stop beyond its samples.
/// `wait_graph` is what the capture alone shows; that of an incident knows locks and sessions too.
[[nodiscard]] std::string diagnosis_json(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
);

[[nodiscard]] std::string incident_json(const Incident& incident);  ///< all of it
/// A summary each, newest first; `matching` counts also those beyond the limit.
[[nodiscard]] std::string incidents_json(const View& view, const IncidentFilter& filter = {});
[[nodiscard]] std::string backends_json(const View& view);
[[nodiscard]] std::string status_json(const View& view);

/// `{"error": ...}`
[[nodiscard]] std::string error_json(const std::string& message);

}  // namespace pghang
