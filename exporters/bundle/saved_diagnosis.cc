#include "exporters/bundle/saved_diagnosis.h"

#include <string>

#include <boost/json.hpp>

namespace pghang {
namespace {

namespace json = boost::json;

/// The object at `key`, or null.
const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* const value = in.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string string_at(const json::object& in, std::string_view key) {
  const json::value* const value = in.if_contains(key);
  const json::string* const string = value == nullptr ? nullptr : value->if_string();
  return string == nullptr ? std::string() : std::string(*string);
}

Frame frame_of(const json::object& object) {
  Frame frame;
  frame.module = string_at(object, "module");
  const std::string name = string_at(object, "function");
  if (!name.empty()) frame.function = name;
  // Before there was such a field, it cannot be told.
  const json::value* const exported = object.if_contains("exported");
  frame.exported =
      !name.empty() && (exported == nullptr || !exported->is_bool() || exported->get_bool());
  const std::string kind = string_at(object, "kind");
  if (kind == "signal") frame.kind = FrameKind::signal;
  if (kind == "plt") frame.kind = FrameKind::plt;
  return frame;
}

StackTrace stack_of(const json::object& diagnosis) {
  StackTrace stack;
  const json::object* const object = object_at(diagnosis, "stack");
  const json::value* const frames = object == nullptr ? nullptr : object->if_contains("frames");
  if (frames == nullptr || !frames->is_array()) return stack;
  for (const json::value& frame : frames->get_array())
    if (frame.is_object()) stack.frames.push_back(frame_of(frame.get_object()));
  return stack;
}

void read_version(const json::object& diagnosis, SignatureSubject& subject) {
  const json::object* const server = object_at(diagnosis, "server");
  if (server == nullptr) return;
  const std::string text = string_at(*server, "version");
  // `15.12 (Debian 15.12-1)`
  const auto version = parse_pg_version(std::string_view(text).substr(0, text.find(' ')));
  if (!version) return;
  subject.version = *version;
  subject.major = version->major;
}

void read_backend(const json::object& diagnosis, SignatureSubject& subject) {
  const json::object* const backend = object_at(diagnosis, "backend");
  if (backend == nullptr) return;
  subject.backend_type = string_at(*backend, "type");
  const json::object* const activity = object_at(*backend, "activity");
  if (activity == nullptr) return;
  const std::string event = string_at(*activity, "wait_event");
  subject.wait_event = event.empty() ? "" : string_at(*activity, "wait_event_type") + "/" + event;
}

}  // namespace

Result<SignatureSubject> subject_of_json(std::string_view text) {
  boost::system::error_code failed;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return Error{.code = Errc::malformed, .context = "is not JSON: " + failed.message()};
  const json::object* diagnosis = document.if_object();
  if (diagnosis != nullptr && diagnosis->contains("diagnosis"))
    diagnosis = object_at(*diagnosis, "diagnosis");
  const json::object* const verdict =
      diagnosis == nullptr ? nullptr : object_at(*diagnosis, "verdict");
  if (verdict == nullptr)
    return Error{
        .code = Errc::malformed,
        .context = "is not the output of pghangd diagnose --json"};
  SignatureSubject subject = subject_of(stack_of(*diagnosis));
  subject.cause = string_at(*verdict, "cause");
  subject.gate = string_at(*verdict, "gate");
  read_version(*diagnosis, subject);
  read_backend(*diagnosis, subject);
  return subject;
}

}  // namespace pghang
