#include "diagnosis/report_stack.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "diagnosis/quotes.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::size_t kNameWidth = 44;
constexpr std::size_t kLongestName = 64;  ///< C++ names may fill a screen
constexpr std::size_t kModuleWidth = 24;

std::string hex(std::uint64_t value) {
  std::array<char, 24> digits{};
  std::snprintf(digits.data(), digits.size(), "0x%llx", static_cast<unsigned long long>(value));
  return digits.data();
}

std::string module_words(const Frame& frame) {
  if (frame.module.empty()) return hex(frame.address);
  return text::base_name(frame.module) + "+" + hex(frame.offset);
}

std::string source_words(const Frame& frame) {
  if (frame.file.empty()) return {};
  const std::string file = text::printable(text::base_name(frame.file));
  return frame.line == 0 ? file : file + ":" + std::to_string(frame.line);
}

std::string name_of(const Frame& frame) {
  if (frame.kind == FrameKind::signal) return "<signal handler called>";
  std::string name = frame.demangled.value_or(frame.function.value_or(""));
  if (name.empty() && frame.kind == FrameKind::jit) name = "<jit code>";
  if (name.size() > kLongestName) name = name.substr(0, kLongestName - 3) + "...";
  return name;
}

std::string frame_words(std::size_t number, const Frame& frame) {
  std::string words = "#" + std::to_string(number);
  words.resize(4, ' ');
  words += frame.recovered ? "* " : "  ";
  std::string name = name_of(frame);
  std::string place = frame.inlined ? "(inlined)" : module_words(frame);
  if (const std::string source = source_words(frame); !source.empty()) {
    if (place.size() < kModuleWidth) place.resize(kModuleWidth, ' ');
    place += " " + source;
  }
  if (name.empty()) return words + place;
  if (name.size() < kNameWidth) name.resize(kNameWidth, ' ');
  return words + name + " " + place;
}

std::string how_taken(const StackTrace& stack) {
  std::array<char, 32> held{};
  std::snprintf(held.data(), held.size(), "stopped for %.0f us", stack.held_micros);
  const bool stopped = stack.method == CaptureMethod::ptrace_stop;
  return std::string(to_string(stack.method)) + ", " + (stopped ? held.data() : "never stopped") +
         (stack.complete ? ", complete" : ", incomplete");
}

void write_user_stack(const StackTrace& stack, ReportWriter& out) {
  out.heading("User stack (" + how_taken(stack) + ")");
  for (std::size_t i = 0; i < stack.frames.size(); ++i)
    out.line(frame_words(i, stack.frames[i]));
  if (!stack.complete && !stack.stop_reason.empty())
    out.line(
        (stack.frames.empty() ? "none: " : "ends here: ") + text::printable(stack.stop_reason)
    );
  if (std::ranges::any_of(stack.frames, [](const Frame& frame) { return frame.recovered; }))
    out.line("* found by a scan of the stack, verified by the call before the return address");
}

/// How many samples show the most common stack; 0 when none took one.
std::size_t same_stack(const std::vector<Sample>& samples) {
  std::map<std::uint64_t, std::size_t> counts;
  std::size_t most = 0;
  for (const Sample& sample : samples)
    if (sample.stack_id != 0) most = std::max(most, ++counts[sample.stack_id]);
  return most;
}

}  // namespace

void write_stacks(const Capture& capture, ReportWriter& out) {
  write_user_stack(capture.stack, out);
  out.heading("Kernel stack");
  for (const std::string& function : capture.kernel_stack)
    out.line(text::printable(function));
}

void write_samples(const Evidence& evidence, ReportWriter& out) {
  const auto& samples = evidence.capture.samples;
  if (samples.empty()) return;
  out.heading("Samples");
  out.line(quote_states(evidence));
  if (const auto same = same_stack(samples); same > 0 && samples.size() > 1)
    out.line("the same stack in " + std::to_string(same) + " of " + std::to_string(samples.size()));
  if (samples.size() < 2) return;
  out.line(quote_switches(evidence));
  out.line(quote_io(evidence));
}

}  // namespace pghang
