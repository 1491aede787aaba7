#include "config/time_zone.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>

#include "config/document.h"
#include "config/posix_zone.h"

namespace pghang {

namespace {

constexpr std::string_view kDatabase = "/usr/share/zoneinfo/";
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kHeaderBytes = 44;
constexpr std::int64_t kOldest = 1'577'836'800;  // 2020-01-01

Error malformed() {
  return {.code = Errc::malformed, .context = "its file in the tz database cannot be read"};
}

/// Its parts, `..` among them, become a path.
bool is_zone_name(std::string_view name) {
  const bool known = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  });
  return known && !name.empty() && name.size() <= kLongestName && name.front() != '/';
}

std::int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  const unsigned unused = 64 - 8 * static_cast<unsigned>(size);
  return static_cast<std::int64_t>(value << unused) >> unused;
}

/// The six counts of a header, RFC 8536 section 3.1, and where its data lies.
struct DataBlock {
  std::array<std::size_t, 6> counts{};  ///< isut, isstd, leap, time, type, char
  std::size_t begin = 0;
  std::size_t time_bytes = 0;

  [[nodiscard]] std::size_t times() const { return counts[3]; }

  [[nodiscard]] std::size_t types() const { return counts[4]; }

  [[nodiscard]] std::size_t type_indexes() const { return begin + times() * time_bytes; }

  [[nodiscard]] std::size_t type_records() const { return type_indexes() + times(); }

  [[nodiscard]] std::size_t end() const {
    return type_records() + types() * 6 + counts[5] + counts[2] * (time_bytes + 4) + counts[1] +
           counts[0];
  }
};

std::optional<DataBlock>
read_block(std::string_view bytes, std::size_t at, std::size_t time_bytes) {
  if (bytes.size() < at + kHeaderBytes || bytes.substr(at, 4) != "TZif") return std::nullopt;
  DataBlock block{.counts = {}, .begin = at + kHeaderBytes, .time_bytes = time_bytes};
  for (std::size_t i = 0; i < block.counts.size(); ++i) {
    const std::int64_t count = big_endian(bytes, at + 20 + i * 4, 4);
    if (count < 0 || static_cast<std::size_t>(count) > bytes.size()) return std::nullopt;
    block.counts.at(i) = static_cast<std::size_t>(count);
  }
  if (block.end() > bytes.size()) return std::nullopt;
  return block;
}

std::optional<std::int32_t>
ahead_of_type(std::string_view bytes, const DataBlock& block, std::size_t type) {
  if (type >= block.types()) return std::nullopt;
  return static_cast<std::int32_t>(big_endian(bytes, block.type_records() + type * 6, 4));
}

std::optional<std::vector<ClockChange>>
read_changes(std::string_view bytes, const DataBlock& block) {
  const auto first = ahead_of_type(bytes, block, 0);
  if (!first) return std::nullopt;
  std::vector<ClockChange> changes{{std::numeric_limits<std::int64_t>::min(), *first}};
  for (std::size_t i = 0; i < block.times(); ++i) {
    const auto type = static_cast<unsigned char>(bytes[block.type_indexes() + i]);
    const auto ahead = ahead_of_type(bytes, block, type);
    const std::int64_t at = big_endian(bytes, block.begin + i * block.time_bytes, block.time_bytes);
    if (!ahead || (i > 0 && at <= changes.back().at)) return std::nullopt;
    changes.push_back({at, *ahead});
  }
  return changes;
}

/// Only the last of those before kOldest counts.
void forget_the_past(std::vector<ClockChange>& changes) {
  const auto later = std::find_if(changes.begin() + 1, changes.end(), [](const ClockChange& c) {
    return c.at > kOldest;
  });
  changes.erase(changes.begin(), later - 1);
  changes.front().at = std::numeric_limits<std::int64_t>::min();
}

}  // namespace

Result<TimeZone> parse_tzif(std::string_view name, std::string_view bytes) {
  // The first block has 32-bit times, for programs of before version 2 (2005).
  const auto old = read_block(bytes, 0, 4);
  if (!old || bytes[4] < '2') return malformed();
  const auto block = read_block(bytes, old->end(), 8);
  if (!block) return malformed();
  auto changes = read_changes(bytes, *block);
  if (!changes) return malformed();
  const std::string_view footer = bytes.substr(block->end());
  const std::size_t last = footer.find('\n', 1);
  if (!footer.starts_with('\n') || last == std::string_view::npos) return malformed();
  const std::string_view rule = footer.substr(1, last - 1);
  const std::int64_t known_until = std::max(changes->back().at, kOldest);
  if (!rule.empty()) {
    const auto later = posix_changes(rule, known_until, kLastZoneYear);
    if (!later) return malformed();
    changes->insert(changes->end(), later->begin(), later->end());
  }
  forget_the_past(*changes);
  return TimeZone{.name = std::string(name), .changes = *std::move(changes)};
}

Result<TimeZone> load_time_zone(std::string_view name) {
  if (name == "UTC") return TimeZone{.name = "UTC", .changes = {}};
  const Error unknown{
      .code = Errc::not_found,
      .context = "`" + std::string(name) + "` is not a time zone like Europe/Berlin or UTC"};
  if (!is_zone_name(name)) return Error{unknown.code, "has no time zone like Europe/Berlin or UTC"};
  const auto bytes = read_regular_file(std::string(kDatabase) + std::string(name));
  if (!bytes) return unknown;
  auto zone = parse_tzif(name, *bytes);
  if (!zone)
    return Error{zone.error().code, "`" + std::string(name) + "`: " + zone.error().context};
  return zone;
}

std::chrono::seconds ahead_of_utc(const TimeZone& zone, std::int64_t unix_seconds) {
  const auto next = std::upper_bound(
      zone.changes.begin(),
      zone.changes.end(),
      unix_seconds,
      [](std::int64_t at, const ClockChange& change) { return at < change.at; }
  );
  if (next == zone.changes.begin()) return std::chrono::seconds{0};
  return std::chrono::seconds{std::prev(next)->ahead_seconds};
}

}  // namespace pghang
