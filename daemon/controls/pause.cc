#include "daemon/controls/pause.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace pghang {
namespace {

constexpr std::string_view kHead = "pghangd pause 1";

/// `value` of the line `key value`, which it takes off `text`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view key) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(key) || line.substr(key.size(), 1) != " ") return std::nullopt;
  line.remove_prefix(key.size() + 1);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::int64_t> number(std::optional<std::string_view> text) {
  std::int64_t value = 0;
  if (!text) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto [rest, failed] = std::from_chars(text->data(), end, value);
  if (failed != std::errc{} || rest != end || value <= 0) return std::nullopt;
  return value;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text,
      [](char c) { return static_cast<unsigned char>(c) < ' '; },
      ' '
  );
  return text;
}

}  // namespace

std::string pause_text(const Pause& pause) {
  std::string text = std::string(kHead) + "\nsince " + std::to_string(pause.since_micros) + '\n';
  if (pause.until_micros) text += "until " + std::to_string(*pause.until_micros) + '\n';
  return text + "by " + one_line(pause.by) + "\nreason " + one_line(pause.reason) + '\n';
}

Result<Pause> parse_pause(std::string_view text) {
  const Error malformed{Errc::malformed, "it is not what pghangd writes"};
  if (!text.starts_with(kHead) || text.substr(kHead.size(), 1) != "\n") return malformed;
  text.remove_prefix(kHead.size() + 1);
  Pause pause;
  const auto since = number(take_line(text, "since"));
  if (!since) return malformed;
  pause.since_micros = *since;
  if (text.starts_with("until ")) {
    pause.until_micros = number(take_line(text, "until"));
    if (!pause.until_micros) return malformed;
  }
  const auto by = take_line(text, "by");
  const auto reason = take_line(text, "reason");
  if (!by || !reason || !text.empty()) return malformed;
  pause.by = std::string(*by);
  pause.reason = std::string(*reason);
  return pause;
}

}  // namespace pghang
