#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collectors/evidence/syscall.h"
#include "diagnosis/report_writer.h"

namespace pghang {

/// `4711 psql (S) 127.0.0.1:51234`.
[[nodiscard]] std::string process_words(const RelatedProcess& process);
[[nodiscard]] std::string processes_words(const std::vector<RelatedProcess>& processes);

/// Names and values; a value may be empty, and the name of what goes on with the one above.
using DescriptorFields = std::vector<std::pair<std::string, std::string>>;

/// A system call's descriptor, or each that it waits for.
[[nodiscard]] DescriptorFields descriptor_fields(const Syscall& call);

/// The same as lines of a report.
void write_descriptors(const Syscall& call, ReportWriter& out);

}  // namespace pghang
