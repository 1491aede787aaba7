#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "diagnosis/incident.h"
#include "exporters/view.h"

/// The parts that the documents of json.h are made of.
namespace pghang {

[[nodiscard]] boost::json::object activity_object(const Activity& activity);
[[nodiscard]] boost::json::object process_object(const Capture& capture);
[[nodiscard]] boost::json::object interrupts_object(const Evidence& evidence);
[[nodiscard]] boost::json::object samples_object(const std::vector<Sample>& samples);
[[nodiscard]] boost::json::object related_object(const RelatedProcess& process);
[[nodiscard]] boost::json::value syscall_value(const std::optional<Syscall>& syscall);
[[nodiscard]] boost::json::object stack_object(const Capture& capture);
[[nodiscard]] boost::json::value trace_value(const std::optional<SyscallTrace>& trace);
[[nodiscard]] boost::json::value fingerprint_value(const std::optional<Fingerprint>& fingerprint);
[[nodiscard]] boost::json::value signature_value(const std::optional<SignatureMatch>& match);
/// What a list shows of an incident.
[[nodiscard]] boost::json::object incident_summary_object(const Incident& incident);
/// Null where it was not looked at.
[[nodiscard]] boost::json::value server_processes_value(
    const std::optional<ServerProcessesView>& view
);
[[nodiscard]] boost::json::array release_array(const std::vector<ReleaseStep>& steps);
[[nodiscard]] boost::json::value wait_graph_value(const WaitGraph* graph);
[[nodiscard]] boost::json::object verdict_object(const Verdict& verdict);
[[nodiscard]] boost::json::object diagnosis_object(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint,
    const WaitGraph* waits
);

}  // namespace pghang
