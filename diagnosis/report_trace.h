#pragma once

#include "collectors/evidence/syscall_trace.h"
#include "diagnosis/report_writer.h"

namespace pghang {

/// The calls of a trace as a table, what had not returned, and what it cost the process.
void write_trace(const SyscallTrace& trace, ReportWriter& out);

}  // namespace pghang
