#include "diagnosis/report_stack.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "diagnosis/movement.h"
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

/// A call of the function itself proves the frame; anything else was only consistent with the rest.
/// `none` is of evidence kept before the way was noted.
const char* mark_of(const Frame& frame) {
  if (!frame.recovered) return "  ";
  const bool proven =
      frame.recovered_by == RecoveredBy::direct_call || frame.recovered_by == RecoveredBy::none;
  return proven ? "* " : "? ";
}

bool any_marked(const StackTrace& stack, const std::string& mark) {
  return std::ranges::any_of(stack.frames, [&mark](const Frame& frame) {
    return mark_of(frame) == mark;
  });
}

std::string frame_words(std::size_t number, const Frame& frame) {
  std::string words = "#" + std::to_string(number);
  words.resize(std::max<std::size_t>(words.size(), 4), ' ');
  words += mark_of(frame);
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

std::string hold_words(const Capture& capture) {
  const std::size_t stops = movement_of(capture.samples).stops;
  const double held = capture.stack.held_micros;
  if (held <= 0 && capture.stack.method != CaptureMethod::ptrace_stop) return "never stopped";
  std::array<char, 64> words{};
  if (stops > 1) {
    std::snprintf(words.data(), words.size(), "stopped %zu times for %.0f us in all", stops, held);
  } else {
    std::snprintf(words.data(), words.size(), "stopped for %.0f us", held);
  }
  return words.data();
}

std::string how_taken(const Capture& capture) {
  return std::string(to_string(capture.stack.method)) + ", " + hold_words(capture) +
         (capture.stack.complete ? ", complete" : ", incomplete");
}

void write_user_stack(const Capture& capture, ReportWriter& out) {
  const StackTrace& stack = capture.stack;
  out.heading("User stack (" + how_taken(capture) + ")");
  for (std::size_t i = 0; i < stack.frames.size(); ++i) {
    const bool behind = stack.omitted > 0 && i >= stack.omitted_after;
    if (behind && i == stack.omitted_after)
      out.line("    ... " + std::to_string(stack.omitted) + " frames left out ...");
    out.line(frame_words(behind ? i + stack.omitted : i, stack.frames[i]));
  }
  if (!stack.complete && !stack.stop_reason.empty())
    out.line(
        (stack.frames.empty() ? "none: " : "ends here: ") + text::printable(stack.stop_reason)
    );
  if (any_marked(stack, "* "))
    out.line("* found by a scan of the stack, verified by the call before the return address");
  if (any_marked(stack, "? "))
    out.line("? found by a scan of the stack; no call names it, but everything below it fits");
}

/// `5 of 5 stacks identical`, `4 different stacks in 5 samples`.
std::string stack_words(const Movement& movement) {
  const std::string taken = std::to_string(movement.stacks);
  if (movement.stacks < 2) return {};
  if (movement.distinct == 1) return taken + " of " + taken + " stacks identical";
  return std::to_string(movement.distinct) + " different stacks in " + taken + " samples" +
         (movement.same > 1 ? ", the most common in " + std::to_string(movement.same) : "");
}

}  // namespace

void write_stacks(const Capture& capture, ReportWriter& out) {
  write_user_stack(capture, out);
  out.heading("Kernel stack");
  for (const std::string& function : capture.kernel_stack)
    out.line(text::printable(function));
}

void write_samples(const Evidence& evidence, ReportWriter& out) {
  const auto& samples = evidence.capture.samples;
  if (samples.empty()) return;
  out.heading("Samples");
  out.line(quote_states(evidence));
  if (samples.size() < 2) return;
  const Movement movement = movement_of(samples);
  if (const std::string words = stack_words(movement); !words.empty()) out.line(words);
  out.line(quote_switches(evidence));
  out.line(quote_io(evidence));
  out.line(movement.moving() ? "it is moving" : "it is not moving");
}

}  // namespace pghang
