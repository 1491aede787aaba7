#include "exporters/pages/stack_section.h"

#include <vector>

#include "diagnosis/frame_words.h"
#include "diagnosis/text.h"
#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// A stack as preformatted text: a long symbol scrolls in its own box, and it can be pasted into a
/// ticket.
std::string frames_html(const std::string& name, const std::string& lines) {
  return R"(<pre class="frames" tabindex="0" role="region" aria-label=")" + name + "\">" + lines +
         "</pre>\n";
}

std::string frame_html(const FrameWords& frame) {
  std::string html = "<span class=\"number\">#" + std::to_string(frame.number) + "</span>";
  html += frame.number < 10 ? "  " : " ";
  if (frame.mark != ' ') html += std::string(1, frame.mark) + " ";
  if (!frame.name.empty()) html += "<b>" + html_escaped(frame.name) + "</b> ";
  html += "<span class=\"place\">" + html_escaped(frame.place);
  if (!frame.source.empty()) html += " " + html_escaped(frame.source);
  return html + "</span>\n";
}

std::string lines_html(const std::vector<std::string>& lines) {
  std::string html;
  for (const std::string& line : lines) {
    if (!line.empty()) html += "<li>" + html_escaped(line) + "</li>\n";
  }
  return html.empty() ? html : "<ul class=\"notes\">\n" + html + "</ul>\n";
}

std::string user_stack(const Capture& capture) {
  const StackTrace& stack = capture.stack;
  std::string lines;
  for (std::size_t i = 0; i < stack.frames.size(); ++i) {
    if (stack.omitted > 0 && i == stack.omitted_after)
      lines += "    " + std::to_string(stack.omitted) + " frames left out\n";
    lines += frame_html(frame_words(stack, i));
  }
  std::string html =
      "<h3>User stack</h3>\n<p class=\"how\">" + html_escaped(stack_taken(capture)) + "</p>\n";
  if (!lines.empty()) html += frames_html("User stack, innermost first", lines);
  return html + lines_html(stack_legend(stack));
}

std::string why_missing(const Capture& capture, const std::string& evidence) {
  for (const Missing& entry : capture.missing) {
    if (entry.evidence != evidence) continue;
    return "not available: " + entry.error + (entry.needs.empty() ? "" : "; needs " + entry.needs);
  }
  return "not available";
}

std::string kernel_stack(const Capture& capture) {
  std::string lines;
  for (const std::string& function : capture.kernel_stack)
    lines += html_escaped(text::printable(function)) + "\n";
  std::string html = "<h3>Kernel stack</h3>\n";
  if (lines.empty()) {
    html += "<p class=\"how\">" + html_escaped(why_missing(capture, "kernel_stack")) + "</p>\n";
    if (!capture.wchan.empty() && capture.wchan != "0")
      html += frames_html("Where it waits in the kernel", html_escaped(capture.wchan) + "\n");
    return html;
  }
  return html + frames_html("Kernel stack, innermost first", lines);
}

}  // namespace

std::string stacks_html(const Evidence& evidence) {
  const Capture& capture = evidence.capture;
  return "<div class=\"pair\">\n<div>\n" + user_stack(capture) + "</div>\n<div>\n" +
         kernel_stack(capture) + "<h3>Between the samples</h3>\n" +
         lines_html(sample_lines(evidence)) + "</div>\n</div>\n";
}

}  // namespace pghang
