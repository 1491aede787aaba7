#pragma once

#include <string>

#include "collectors/evidence/syscall.h"
#include "diagnosis/report_writer.h"

namespace pghang {

/// `4711 psql (S) 127.0.0.1:51234`.
[[nodiscard]] std::string process_words(const RelatedProcess& process);
[[nodiscard]] std::string processes_words(const std::vector<RelatedProcess>& processes);

/// The lines of a system call's descriptor, or of each that it waits for.
void write_descriptors(const Syscall& call, ReportWriter& out);

}  // namespace pghang
