#pragma once

#include <optional>
#include <string>

#include "diagnosis/incident.h"
#include "exporters/view.h"

/// The JSON contract of DESIGN section 7, schema_version 1. Numbers are JSON numbers, addresses
/// `"0x…"` strings; fields are never renamed.
namespace pghang {

/// `diagnose --json` and the `diagnosis` member of an incident.
[[nodiscard]] std::string diagnosis_json(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
);

[[nodiscard]] std::string incident_json(const Incident& incident);  ///< all of it
[[nodiscard]] std::string incidents_json(const View& view);  ///< a summary each, newest first
[[nodiscard]] std::string backends_json(const View& view);
[[nodiscard]] std::string status_json(const View& view);

/// `{"error": ...}`
[[nodiscard]] std::string error_json(const std::string& message);

}  // namespace pghang
