#include "diagnosis/signature_subject.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "diagnosis/backend_kind.h"
#include "diagnosis/fingerprint.h"
#include "diagnosis/server_version.h"
#include "diagnosis/text.h"
#include "diagnosis/wait_event_names.h"

namespace pghang {
namespace {

bool is_server(const Frame& frame) {
  const std::string file = text::base_name(frame.module);
  return file == "postgres" || file == "postmaster";
}

std::vector<std::string> called_out_to(const StackTrace& stack) {
  std::vector<std::string> files;
  for (const Frame& frame : stack.frames) {
    if (is_server(frame)) break;
    std::string file = text::base_name(frame.module);
    if (!file.empty() && std::ranges::find(files, file) == files.end())
      files.push_back(std::move(file));
  }
  return files;
}

/// Without a connection the memory of the process knows it too, by numbers that only its release
/// gives a meaning.
std::optional<std::string> wait_event_of(const Evidence& evidence) {
  if (const auto& activity = evidence.activity) {
    if (!activity->wait_event) return "";
    return activity->wait_event_type.value_or("") + "/" + *activity->wait_event;
  }
  const auto& samples = evidence.capture.samples;
  if (samples.empty() || !samples.back().flags.wait_event_info || server_major(evidence) == 0)
    return std::nullopt;
  return wait_event_in_memory(evidence);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Takes the next word off the front.
std::string_view next_word(std::string_view& text) {
  text = trimmed(text);
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

std::optional<Frame> parse_frame(std::string_view line) {
  std::string_view number = next_word(line);
  if (!number.starts_with('#') || number.size() < 2) return std::nullopt;
  std::string_view name = next_word(line);
  if (name.starts_with("0x") && next_word(line) == "in") name = next_word(line);
  if (name.empty()) return std::nullopt;
  Frame frame;
  if (name == "<signal") {
    frame.kind = FrameKind::signal;
  } else if (!name.starts_with('?')) {
    frame.function = std::string(name.substr(0, name.find('(')));
    frame.exported = true;
  }
  // gdb says `from` for libraries only; the fixtures say `in` for everything.
  frame.module = "postgres";
  while (!(line = trimmed(line)).empty()) {
    const std::string_view word = next_word(line);
    if (word == "from" || word == "in") frame.module = std::string(next_word(line));
  }
  return frame;
}

}  // namespace

SignatureSubject subject_of(const StackTrace& stack) {
  SignatureSubject subject;
  subject.names = exported_names(stack);
  subject.modules = called_out_to(stack);
  for (const Frame& frame : stack.frames)
    if (!subject.major) subject.major = major_of_path(frame.module);
  return subject;
}

SignatureSubject subject_of(const Evidence& evidence) {
  SignatureSubject subject = subject_of(evidence.capture.stack);
  subject.wait_event = wait_event_of(evidence);
  const std::string kind = backend_kind(evidence);
  subject.backend_type = kind == "backend" ? "client backend" : kind;
  if (const auto release = server_release(evidence)) {
    subject.version = release;
    subject.major = release->major;
  }
  return subject;
}

std::optional<StackTrace> parse_stack_text(std::string_view text) {
  StackTrace stack;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (auto frame = parse_frame(text.substr(0, end))) stack.frames.push_back(std::move(*frame));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (stack.frames.empty()) return std::nullopt;
  stack.complete = true;
  return stack;
}

std::optional<int> major_of_path(std::string_view path) {
  for (const std::string_view marker :
       std::to_array<std::string_view>({"/postgresql/", "/pgsql-"})) {
    const auto at = path.find(marker);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = path.substr(at + marker.size());
    int major = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), major);
    if (error == std::errc{} && end != rest.data() + rest.size() && *end == '/') return major;
  }
  return std::nullopt;
}

}  // namespace pghang
