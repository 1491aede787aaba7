#pragma once

#include <string>

#include "diagnosis/incident.h"

/// What the page of an incident and that of its fingerprint both show. HTML
/// (exporters/pages/page.h).
namespace pghang {

/// Headline of the cause, its name, gate and confidence, the sentence, the evidence that decided,
/// the known bug.
[[nodiscard]] std::string verdict_html(const Incident& incident);

/// The steps that would free it, safest first, each with its price.
[[nodiscard]] std::string release_html(const Incident& incident);

/// System call, descriptor and who is at its other end; who waits for whom; the stacks and what
/// the samples show; what could not be had. Each under its heading.
[[nodiscard]] std::string evidence_html(const Incident& incident);

/// `Known bug: ...` and what to do about it.
[[nodiscard]] std::string known_cause_html(const SignatureMatch& match);

}  // namespace pghang
