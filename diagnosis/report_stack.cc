#include "diagnosis/report_stack.h"

#include <algorithm>
#include <string>

#include "diagnosis/frame_words.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::size_t kNameWidth = 44;
constexpr std::size_t kModuleWidth = 24;

std::string line_of(const FrameWords& frame) {
  std::string line = "#" + std::to_string(frame.number);
  line.resize(std::max<std::size_t>(line.size(), 4), ' ');
  line += frame.mark;
  line += ' ';
  std::string place = frame.place;
  if (!frame.source.empty()) {
    if (place.size() < kModuleWidth) place.resize(kModuleWidth, ' ');
    place += " " + frame.source;
  }
  if (frame.name.empty()) return line + place;
  std::string name = frame.name;
  if (name.size() < kNameWidth) name.resize(kNameWidth, ' ');
  return line + name + " " + place;
}

void write_user_stack(const Capture& capture, ReportWriter& out) {
  const StackTrace& stack = capture.stack;
  out.heading("User stack (" + stack_taken(capture) + ")");
  for (std::size_t i = 0; i < stack.frames.size(); ++i) {
    if (stack.omitted > 0 && i == stack.omitted_after)
      out.line("    ... " + std::to_string(stack.omitted) + " frames left out ...");
    out.line(line_of(frame_words(stack, i)));
  }
  for (const std::string& line : stack_legend(stack))
    out.line(line);
}

}  // namespace

void write_stacks(const Capture& capture, ReportWriter& out) {
  write_user_stack(capture, out);
  out.heading("Kernel stack");
  for (const std::string& function : capture.kernel_stack)
    out.line(text::printable(function));
}

void write_samples(const Evidence& evidence, ReportWriter& out) {
  const std::vector<std::string> lines = sample_lines(evidence);
  if (lines.empty()) return;
  out.heading("Samples");
  for (const std::string& line : lines)
    out.line(line);
}

}  // namespace pghang
