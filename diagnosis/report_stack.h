#pragma once

#include "collectors/evidence/evidence.h"
#include "diagnosis/report_writer.h"

namespace pghang {

/// The user stack and the kernel stack.
void write_stacks(const Capture& capture, ReportWriter& out);

/// What the samples show of movement: `3 of 3 stacks identical`, CPU, switches, I/O.
void write_samples(const Evidence& evidence, ReportWriter& out);

}  // namespace pghang
