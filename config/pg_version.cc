#include <algorithm>
#include <charconv>
#include <optional>

#include "config/signatures.h"

namespace pghang {

namespace {

constexpr int kFirstMajor = 10;
constexpr int kLargestNumber = 999;

Error malformed(std::string why) {
  return {.code = Errc::malformed, .context = std::move(why)};
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool digits = !text.empty() && text.front() != '-' && text.front() != '+';
  if (!digits || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value <= kLargestNumber ? std::optional(value) : std::nullopt;
}

/// A version whose minor may be left out.
struct Part {
  int major = 0;
  std::optional<int> minor;
};

Result<Part> parse_part(std::string_view text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  const auto major = number(text.substr(0, dot));
  Part part{.major = major.value_or(0), .minor = {}};
  if (dot < text.size()) part.minor = number(text.substr(dot + 1));
  if (!major || (dot < text.size() && !part.minor))
    return malformed("is not a version of PostgreSQL; write it like 15.12");
  if (*major < kFirstMajor) return malformed("is before PostgreSQL 10");
  return part;
}

}  // namespace

std::string to_string(PgVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

Result<PgVersion> parse_pg_version(std::string_view text) {
  const auto part = parse_part(text);
  if (!part) return part.error();
  if (!part->minor) return malformed("has no minor version; write it like 15.12");
  return PgVersion{.major = part->major, .minor = *part->minor};
}

Result<VersionSpan> parse_version_span(std::string_view text) {
  const bool open = text.ends_with('+');
  if (open) text.remove_suffix(1);
  const std::size_t dash = open ? std::string_view::npos : text.find('-');
  const auto first = parse_part(text.substr(0, dash));
  if (!first) return first.error();
  const auto last = dash == std::string_view::npos ? first : parse_part(text.substr(dash + 1));
  if (!last) return last.error();
  if (open && !first->minor) return malformed("has no minor version before its +");
  if (first->minor.has_value() != last->minor.has_value())
    return malformed("has a minor version on one side only");
  if (first->minor && first->major != last->major)
    return malformed("spans two majors; write one range for each");
  const VersionSpan span{
      .first = {.major = first->major, .minor = first->minor.value_or(0)},
      .last = {
          .major = last->major,
          .minor = open ? kEveryMinor : last->minor.value_or(kEveryMinor)}};
  if (span.last < span.first) return malformed("ends before it starts");
  return span;
}

}  // namespace pghang
