#pragma once

#include "collectors/evidence/capture.h"

namespace pghang {

/// Raises `later.syscall->at_least_seconds` where `earlier`, a capture of the same process, saw it
/// in the same system call and its switch counters have not moved since. Whoever leaves a call that
/// it sleeps in, and enters it again, is switched from at least once more; so it has not. Leaves it
/// alone otherwise.
void extend_time_in_call(const Capture& earlier, Capture& later);

}  // namespace pghang
