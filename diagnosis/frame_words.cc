#include "diagnosis/frame_words.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "diagnosis/movement.h"
#include "diagnosis/quotes.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::size_t kLongestName = 64;  ///< C++ names may fill a screen

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
char mark_of(const Frame& frame) {
  if (!frame.recovered) return ' ';
  const bool proven =
      frame.recovered_by == RecoveredBy::direct_call || frame.recovered_by == RecoveredBy::none;
  return proven ? '*' : '?';
}

bool any_marked(const StackTrace& stack, char mark) {
  return std::ranges::any_of(stack.frames, [mark](const Frame& frame) {
    return mark_of(frame) == mark;
  });
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

/// `5 of 5 stacks identical`, `4 different stacks in 5 samples`.
std::string stack_words(const Movement& movement) {
  const std::string taken = std::to_string(movement.stacks);
  if (movement.stacks < 2) return {};
  if (movement.distinct == 1) return taken + " of " + taken + " stacks identical";
  return std::to_string(movement.distinct) + " different stacks in " + taken + " samples" +
         (movement.same > 1 ? ", the most common in " + std::to_string(movement.same) : "");
}

}  // namespace

FrameWords frame_words(const StackTrace& stack, std::size_t index) {
  const Frame& frame = stack.frames[index];
  const bool behind = stack.omitted > 0 && index >= stack.omitted_after;
  FrameWords words;
  words.number = behind ? index + stack.omitted : index;
  words.mark = mark_of(frame);
  words.name = name_of(frame);
  words.place = frame.inlined ? "(inlined)" : module_words(frame);
  words.source = source_words(frame);
  return words;
}

std::string stack_taken(const Capture& capture) {
  return std::string(to_string(capture.stack.method)) + ", " + hold_words(capture) +
         (capture.stack.complete ? ", complete" : ", incomplete");
}

std::vector<std::string> stack_legend(const StackTrace& stack) {
  std::vector<std::string> lines;
  if (!stack.complete && !stack.stop_reason.empty())
    lines.push_back(
        (stack.frames.empty() ? "none: " : "ends here: ") + text::printable(stack.stop_reason)
    );
  if (any_marked(stack, '*'))
    lines.emplace_back(
        "* found by a scan of the stack, verified by the call before the return address"
    );
  if (any_marked(stack, '?'))
    lines.emplace_back(
        "? found by a scan of the stack; no call names it, but everything below it fits"
    );
  return lines;
}

std::vector<std::string> sample_lines(const Evidence& evidence) {
  const auto& samples = evidence.capture.samples;
  if (samples.empty()) return {};
  std::vector<std::string> lines{quote_states(evidence)};
  if (samples.size() < 2) return lines;
  const Movement movement = movement_of(samples);
  if (std::string words = stack_words(movement); !words.empty()) lines.push_back(std::move(words));
  lines.push_back(quote_switches(evidence));
  lines.push_back(quote_io(evidence));
  lines.emplace_back(movement.moving() ? "it is moving" : "it is not moving");
  return lines;
}

}  // namespace pghang
