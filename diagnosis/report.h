#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/evidence.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/incident.h"
#include "diagnosis/verdict.h"

namespace pghang {

/// The report as text, for a terminal of 100 columns: verdict first, then what would free it, where
/// it is (system call, descriptor), PostgreSQL's flags, signals, user stack, kernel stack, what is
/// missing. Ends in a newline. Of the wait graph what this capture alone shows. The query in
/// evidence.activity must be masked already.
[[nodiscard]] std::string render_report(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
);

/// An incident as text: a heading, the timeline, then render_report() when there is evidence.
[[nodiscard]] std::string render_incident(const Incident& incident);

}  // namespace pghang
