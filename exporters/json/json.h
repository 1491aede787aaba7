#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "diagnosis/incident.h"
#include "exporters/incident_list.h"
#include "exporters/view.h"

/// The JSON contract of DESIGN section 7, schema_version 1. Numbers are JSON numbers, addresses
/// `"0x…"` strings, times RFC 3339 strings in UTC; what is unknown is null; fields are never
/// renamed. Foreign bytes come out as valid UTF-8. No document ends in a newline.
namespace pghang {

/// Which matched backends are meant; what is empty or absent is not looked at.
struct BackendFilter {
  std::string target;
  std::string rule;
  std::optional<Stage> stage;
  std::optional<bool> exempt;  ///< only those never signalled, or only the others
};

/// `diagnose --json` and the `diagnosis` member of an incident. `samples` is what movement.h says;
/// `stack.held_us` is of the whole capture, as `samples.held_us`, and a stop beyond its samples.
/// `wait_graph` is what the capture alone shows; that of an incident knows locks and sessions too.
[[nodiscard]] std::string diagnosis_json(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
);

[[nodiscard]] std::string incident_json(const Incident& incident);   ///< all of it
[[nodiscard]] std::string incidents_json(const IncidentList& list);  ///< a summary of each
[[nodiscard]] std::string backends_json(const View& view, const BackendFilter& filter = {});
/// `now_micros`: unix epoch.
[[nodiscard]] std::string status_json(const View& view, std::int64_t now_micros);

/// `{"error": ...}`
[[nodiscard]] std::string error_json(const std::string& message);

}  // namespace pghang
