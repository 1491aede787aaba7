#include "collectors/process/parse_text.h"
#include "collectors/process/parsers.h"

namespace pghang {
namespace {

constexpr std::uint64_t kPfKthread = 0x00200000;  // include/linux/sched.h

/// Field numbers as proc(5) counts them.
constexpr int kParent = 4;
constexpr int kProcessGroup = 5;
constexpr int kFlags = 9;
constexpr int kStartTime = 22;
constexpr int kProcessor = 39;

}  // namespace

Result<ProcStat> parse_stat(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return malformed("stat");

  ProcStat stat;
  stat.comm = text.substr(open + 1, close - open - 1);
  text.remove_prefix(close + 1);

  const std::string_view state = take_word(text);
  if (state.size() != 1) return malformed("stat");
  stat.state = to_state(state.front());

  for (int field = kParent; field <= kStartTime; ++field) {
    const std::string_view word = take_word(text);
    if (field == kParent) {
      const auto parent = to_number<pid_t>(word);
      if (!parent) return malformed("stat");
      stat.ppid = *parent;
    } else if (field == kProcessGroup) {
      stat.process_group = to_number<pid_t>(word).value_or(0);
    } else if (field == kFlags) {
      const auto flags = to_number<std::uint64_t>(word);
      if (!flags) return malformed("stat");
      stat.kernel_thread = (*flags & kPfKthread) != 0;
    } else if (field == kStartTime) {
      const auto ticks = to_number<std::uint64_t>(word);
      if (!ticks) return malformed("stat");
      stat.start_ticks = *ticks;
    }
  }
  for (int field = kStartTime + 1; field < kProcessor; ++field)
    static_cast<void>(take_word(text));
  stat.processor = to_number<int>(take_word(text)).value_or(-1);
  return stat;
}

}  // namespace pghang
