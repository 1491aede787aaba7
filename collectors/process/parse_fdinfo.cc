#include <array>
#include <limits>

#include "collectors/process/parse_locks.h"
#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr int kHexadecimal = 16;
constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

/// `tfd:        3 events:       19 data:                3  pos:0 ino:19568 sdev:9`
std::optional<EpollMember> parse_member(std::string_view rest) {
  EpollMember member;
  const auto number = to_number<int>(take_word(rest));
  const std::string_view name = take_word(rest);
  const auto events = to_number<std::uint32_t>(take_word(rest), kHexadecimal);
  if (!number || name != "events:" || !events) return std::nullopt;
  member.number = *number;
  member.events = *events;
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (!word.starts_with("ino:")) continue;
    const auto inode = to_number<std::uint64_t>(word.substr(4), kHexadecimal);
    if (!inode) return std::nullopt;
    member.inode = *inode;
  }
  return member;
}

/// `(59, 999977723)`: seconds and nanoseconds.
std::optional<std::uint64_t> parse_nanos(std::string_view text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  const std::size_t comma = text.find(", ");
  if (comma == std::string_view::npos) return std::nullopt;
  const auto seconds = to_number<std::uint64_t>(text.substr(0, comma));
  const auto nanos = to_number<std::uint64_t>(text.substr(comma + 2));
  if (!seconds || !nanos || *nanos >= kNanosPerSecond) return std::nullopt;
  if (*seconds >= std::numeric_limits<std::uint64_t>::max() / kNanosPerSecond) return std::nullopt;
  return *seconds * kNanosPerSecond + *nanos;
}

template <typename T>
bool put(std::optional<T> value, T& out) {
  if (value) out = *value;
  return value.has_value();
}

/// Fields of one kind of file. Each says whether the value was one; nothing where the name is none
/// of its own.
std::optional<bool> read_timer(std::string_view name, std::string_view value, FdInfo& info) {
  const auto timer = [&info]() -> TimerInfo& {
    return info.timer ? *info.timer : info.timer.emplace();
  };
  if (name == "clockid:") return put(to_number<int>(value), timer().clock);
  if (name == "ticks:") return put(to_number<std::uint64_t>(value), timer().ticks);
  if (name == "it_value:") return put(parse_nanos(value), timer().remaining_nanos);
  if (name == "it_interval:") return put(parse_nanos(value), timer().interval_nanos);
  return std::nullopt;
}

std::optional<bool> read_ring(std::string_view name, std::string_view value, FdInfo& info) {
  struct Field {
    std::string_view name;
    std::uint32_t RingInfo::*field;
  };

  static constexpr std::array<Field, 4> kFields{{
      {"SqHead:", &RingInfo::submission_head},
      {"SqTail:", &RingInfo::submission_tail},
      {"CqHead:", &RingInfo::completion_head},
      {"CqTail:", &RingInfo::completion_tail},
  }};
  for (const Field& field : kFields) {
    if (name != field.name) continue;
    RingInfo& ring = info.ring ? *info.ring : info.ring.emplace();
    return put(to_number<std::uint32_t>(value), ring.*field.field);
  }
  return std::nullopt;
}

template <typename T>
bool put_optional(std::optional<T> value, std::optional<T>& out) {
  out = value;
  return value.has_value();
}

std::optional<bool> read_special(std::string_view name, std::string_view value, FdInfo& info) {
  if (name == "sigmask:")
    return put_optional(to_number<std::uint64_t>(value, kHexadecimal), info.signal_mask);
  if (name == "eventfd-count:")
    return put_optional(to_number<std::uint64_t>(value, kHexadecimal), info.event_count);
  if (name == "Pid:") return put_optional(to_number<pid_t>(value), info.pid);
  if (name == "fuse_connection:")
    return put_optional(to_number<std::uint32_t>(value), info.fuse_connection);
  if (name == "ino:") return put_optional(to_number<std::uint64_t>(value), info.inode);
  if (name == "tfd:") {
    const auto member = parse_member(value);
    if (member) info.members.push_back(*member);
    return member.has_value();
  }
  if (name == "lock:") {
    auto lock = parse_lock_line(value);
    if (lock) info.locks.push_back(std::move(*lock));
    return lock.has_value();
  }
  if (name == "inotify") {
    ++info.watches;
    return true;
  }
  return std::nullopt;
}

}  // namespace

Result<FdInfo> parse_fdinfo(std::string_view text) {
  FdInfo info;
  bool position = false;
  bool flags = false;
  bool mount_id = false;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view name = take_word(line);
    const std::string_view value = trimmed(line);
    if (name == "pos:") {
      position = put(to_number<std::uint64_t>(value), info.position);
    } else if (name == "flags:") {
      flags = put(to_number<std::uint32_t>(value, 8), info.flags);
    } else if (name == "mnt_id:") {
      mount_id = put(to_number<int>(value), info.mount_id);
    } else {
      for (const auto read : {read_special, read_timer, read_ring})
        if (const auto good = read(name, value, info); good && !*good) return malformed("fdinfo");
    }
  }
  if (!position || !flags || !mount_id) return malformed("fdinfo");
  return info;
}

}  // namespace pghang
