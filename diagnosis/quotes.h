#pragma once

#include <string>

#include "diagnosis/facts.h"
#include "diagnosis/verdict.h"

namespace pghang {

/// The evidence that decided for a cause, quoted: `ProcDiePending=1, InterruptHoldoffCount=0; state
/// S in 3 of 3 samples; wchan wait_for_partner; openat(AT_FDCWD, "/x/fifo", O_RDONLY)`.
[[nodiscard]] std::string quote(Cause cause, const Evidence& evidence, const Facts& facts);

/// `InterruptHoldoffCount=1`: the counters above zero that keep the judged request from being
/// served.
[[nodiscard]] std::string quote_holding(const Sample& sample, Request judged);

/// `12288 bytes read and 0 written between the samples`.
[[nodiscard]] std::string quote_io(const Evidence& evidence);

/// `no context switch and 0.00 s CPU between them`; empty for a single sample.
[[nodiscard]] std::string quote_switches(const Evidence& evidence);

/// `state S in 3 of 3 samples`, `state R in 2, S in 1 of 3 samples`.
[[nodiscard]] std::string quote_states(const Evidence& evidence);

}  // namespace pghang
