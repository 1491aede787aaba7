#include "exporters/pages/release_steps.h"

#include <algorithm>
#include <array>

#include "exporters/pages/page.h"
#include "exporters/text.h"

namespace pghang {
namespace {

/// Where words of a step end or begin beside a command (diagnosis/explanations_*.cc).
constexpr auto kBorders = std::to_array<std::string_view>({
    ": ",
    ", then ",
    ", names ",
    "; if ",
    "; says ",
    "; and ",
    " for a reader, ",
    " for a writer",
});

/// How the commands of steps begin.
constexpr auto kBeginnings = std::to_array<std::string_view>({
    "SELECT ",
    "ROLLBACK PREPARED ",
    "df ",
    "echo ",
    "fsfreeze ",
    "grep ",
    "kill ",
    "pg_ctl ",
    "timeout ",
    "umount ",
});

bool is_command(std::string_view text) {
  // Of several processes it says `pghangd diagnose each of`, and the like.
  constexpr std::string_view diagnose = "pghangd diagnose ";
  if (text.starts_with(diagnose)) {
    text.remove_prefix(diagnose.size());
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  }
  return std::ranges::any_of(kBeginnings, [text](std::string_view beginning) {
    return text.starts_with(beginning);
  });
}

/// The next border outside single quotes: file names may hold anything.
std::pair<std::size_t, std::size_t> next_border(std::string_view text) {
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\'') quoted = !quoted;
    if (quoted) continue;
    for (const std::string_view border : kBorders) {
      if (text.substr(at).starts_with(border)) return {at, border.size()};
    }
  }
  return {text.size(), 0};
}

void add_words(std::vector<StepPart>& parts, std::string_view words) {
  if (words.empty()) return;
  if (parts.empty() || parts.back().command) parts.push_back({});
  parts.back().text += words;
}

std::string command_html(const std::string& command) {
  const std::string safe = html_escaped(command);
  return "<div class=\"command\"><code>" + safe +
         R"(</code><button type="button" class="copy" aria-label="Copy )" + safe +
         "\"><span>Copy</span></button></div>\n";
}

}  // namespace

std::vector<StepPart> step_parts(std::string_view step) {
  std::vector<StepPart> parts;
  while (!step.empty()) {
    const auto [at, length] = next_border(step);
    const std::string_view piece = step.substr(0, at);
    std::string_view border = step.substr(at, length);
    if (is_command(piece)) {
      parts.push_back({true, std::string(piece)});
      // What parted the words from the command; of SQL it ends the statement.
      if (piece.starts_with("SELECT ") && border.starts_with(';')) parts.back().text += ';';
      border.remove_prefix(std::min(border.find_first_not_of(":;, "), border.size()));
      add_words(parts, border);
    } else {
      add_words(parts, step.substr(0, at + length));
    }
    step.remove_prefix(at + length);
  }
  return parts;
}

std::string release_step_html(const ReleaseStep& step) {
  std::string html;
  for (const StepPart& part : step_parts(step.step))
    html += part.command ? command_html(part.text) : paragraph(part.text);
  if (!step.price.empty())
    html += "<p class=\"price\">price: " + html_escaped(step.price) + "</p>\n";
  return html;
}

std::string release_steps_html(const std::vector<ReleaseStep>& steps) {
  if (steps.empty()) return {};
  std::string html = "<ol class=\"steps\">\n";
  for (const ReleaseStep& step : steps)
    html += "<li>" + release_step_html(step) + "</li>\n";
  return html + "</ol>\n";
}

}  // namespace pghang
