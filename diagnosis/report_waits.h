#pragma once

#include <sys/types.h>

#include "diagnosis/report_writer.h"
#include "diagnosis/wait_graph.h"

namespace pghang {

/// The wait graph as a tree for a terminal: the root, and under each node who waits for it; what
/// would free the root, where that is not the process of the report itself.
void write_waits(const WaitGraph& graph, pid_t reported, ReportWriter& out);

}  // namespace pghang
