#include <array>
#include <charconv>
#include <utility>

#include <boost/json.hpp>

#include "diagnosis/server_version.h"
#include "diagnosis/wait_event_names.h"
#include "exporters/backend_type.h"
#include "exporters/json/json.h"
#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/text.h"

namespace pghang {
namespace {

namespace json = boost::json;

json::value address_value(std::uint64_t address) {
  std::array<char, 20> out{'0', 'x'};
  const auto end = std::to_chars(out.data() + 2, out.data() + out.size(), address, 16);
  return json_string({out.data(), static_cast<std::size_t>(end.ptr - out.data())});
}

json::value optional_string(const std::optional<std::string>& text) {
  return text ? json_string(*text) : json::value();
}

json::array strings(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts)
    array.emplace_back(json_string(text));
  return array;
}

json::object missing_object(const Missing& entry) {
  return {
      {"evidence", json_string(entry.evidence)},
      {"error", json_string(entry.error)},
      {"needs", json_string_or_null(entry.needs)},
  };
}

json::array missing_array(const Evidence& evidence, bool has_fingerprint) {
  const Capture& capture = evidence.capture;
  json::array array;
  for (const Missing& entry : capture.missing)
    array.push_back(missing_object(entry));
  if (std::string why = no_wait_event_because(evidence); !why.empty())
    array.push_back(missing_object({"wait_event", std::move(why), ""}));
  if (!has_fingerprint && !has_ended(capture))
    array.push_back(missing_object({"fingerprint", no_fingerprint_because(capture.stack), ""}));
  return array;
}

json::value server_value(const Evidence& evidence) {
  const Capture& capture = evidence.capture;
  if (!evidence.server && !capture.postgres) return nullptr;
  json::object object{
      {"version", nullptr},
      {"system_identifier", nullptr},
      {"postmaster_pid", nullptr},
  };
  object["version"] = json_string_or_null(server_version(evidence));
  if (evidence.server) {
    object["system_identifier"] = json_string_or_null(evidence.server->system_identifier);
  }
  if (capture.postgres) {
    const bool itself = backend_type(evidence) == "postmaster";
    object["postmaster_pid"] = itself ? capture.key.pid : capture.ppid;
  }
  return object;
}

json::object backend_object(const Evidence& evidence) {
  const std::optional<pid_t> leader = leader_pid(evidence);
  return {
      {"type", json_string_or_null(backend_type(evidence))},
      {"leader_pid", leader ? json::value(*leader) : json::value()},
      {"activity",
       evidence.activity ? json::value(activity_object(*evidence.activity)) : json::value()},
  };
}

json::object frame_object(const Frame& frame) {
  return {
      {"address", address_value(frame.address)},
      {"function", optional_string(frame.function)},
      {"exported", frame.exported},
      {"demangled", optional_string(frame.demangled)},
      {"module", json_string_or_null(frame.module)},
      {"offset", address_value(frame.offset)},
      {"build_id", json_string_or_null(frame.build_id)},
      {"fde_start", frame.fde_start == 0 ? json::value() : address_value(frame.fde_start)},
      {"kind", to_string(frame.kind)},
      {"recovered", frame.recovered},
      {"recovered_by",
       frame.recovered ? json::value(to_string(frame.recovered_by)) : json::value()},
      {"inlined", frame.inlined},
      {"file", json_string_or_null(frame.file)},
      {"line", frame.line == 0 ? json::value() : json::value(frame.line)},
  };
}

}  // namespace

json::object stack_object(const Capture& capture) {
  const StackTrace& stack = capture.stack;
  json::array frames;
  for (const Frame& frame : stack.frames)
    frames.emplace_back(frame_object(frame));
  return {
      {"method", to_string(stack.method)},
      {"held_us", json_number(stack.held_micros)},
      {"complete", stack.complete},
      {"stop_reason", json_string_or_null(stack.stop_reason)},
      {"frames", std::move(frames)},
      {"omitted",
       stack.omitted == 0 ? json::value()
                          : json::value(json::object{
                                {"after_index", stack.omitted_after},
                                {"count", stack.omitted},
                            })},
      {"torn_copies", capture.torn_copies},
  };
}

json::value fingerprint_value(const std::optional<Fingerprint>& fingerprint) {
  if (!fingerprint) return nullptr;
  return json::object{
      {"stable", json_string(fingerprint->stable)},
      {"exact", json_string(fingerprint->exact)},
      {"text", json_string(fingerprint->text)},
      {"algorithm", fingerprint->algorithm},
      {"quality", json_number(fingerprint->quality)},
  };
}

/// `affected`: true where the server's release has the bug, null where the release is not known,
/// false where no bug is claimed.
json::value signature_value(const std::optional<SignatureMatch>& match) {
  if (!match) return nullptr;
  json::value affected = match->claim == BugClaim::known;
  if (match->claim == BugClaim::possible) affected = nullptr;
  return json::object{
      {"id", json_string(match->id)},
      {"title", json_string(match->title)},
      {"affected", std::move(affected)},
      {"fixed_in", json_string_or_null(match->fixed_in)},
      {"text", json_string_or_null(match->text)},
      {"advice", json_string_or_null(match->advice)},
      {"references", strings(match->references)},
      {"confidence", to_string(match->confidence)},
  };
}

json::object verdict_object(const Verdict& verdict) {
  return {
      {"cause", to_string(verdict.cause)},
      {"gate", to_string(verdict.gate)},
      {"explanation", json_string_or_null(verdict.explanation)},
      {"summary", json_string(verdict.summary)},
      {"detail", json_string(verdict.detail)},
      {"release", release_array(verdict.release)},
      {"confidence", to_string(verdict.confidence)},
      {"signature", signature_value(verdict.signature)},
  };
}

json::object diagnosis_object(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint,
    const WaitGraph* waits
) {
  const Capture& capture = evidence.capture;
  return {
      {"schema_version", 1},
      {"pid", capture.key.pid},
      {"start_ticks", capture.key.start_ticks},
      {"captured_at", rfc3339(capture.captured_at_micros)},
      {"missing", missing_array(evidence, fingerprint.has_value())},
      {"server", server_value(evidence)},
      {"backend", backend_object(evidence)},
      {"process", process_object(capture)},
      {"interrupts", interrupts_object(evidence)},
      {"syscall", syscall_value(capture.syscall)},
      {"kernel_stack", strings(capture.kernel_stack)},
      {"stack", stack_object(capture)},
      {"samples", samples_object(capture.samples)},
      {"trace", trace_value(evidence.trace)},
      {"fingerprint", fingerprint_value(fingerprint)},
      {"wait_graph", wait_graph_value(waits)},
      {"verdict", verdict_object(verdict)},
  };
}

std::string diagnosis_json(
    const Evidence& evidence,
    const Verdict& verdict,
    const std::optional<Fingerprint>& fingerprint
) {
  const std::optional<WaitGraph> waits = wait_graph_of(evidence, verdict);
  return json_text(diagnosis_object(evidence, verdict, fingerprint, waits ? &*waits : nullptr));
}

}  // namespace pghang
