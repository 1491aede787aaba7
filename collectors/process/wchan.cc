#include "collectors/process/wchan.h"

#include <algorithm>
#include <array>

#include "collectors/process/parse_text.h"

namespace pghang {

std::string read_wchan(const ProcFs& proc, pid_t pid) {
  const Result<std::string> text = proc.read(pid, "wchan");
  if (!text) return "";
  const std::string_view name = trimmed(*text);
  return name == "0" ? std::string() : std::string(name);
}

bool waits_for_partner(std::string_view wchan) {
  return wchan == "wait_for_partner" || wchan == "fifo_open";
}

bool waits_in_pipe(std::string_view wchan) {
  // anon_pipe_read and fifo_pipe_read from 6.15 on, pipe_wait before 5.5; wait_for_partner is what
  // fifo_open() sleeps in.
  static constexpr std::array<std::string_view, 5> kFunctions{
      "pipe_read",
      "pipe_write",
      "pipe_wait",
      "fifo_open",
      "wait_for_partner"};
  return std::any_of(kFunctions.begin(), kFunctions.end(), [wchan](std::string_view name) {
    return wchan.ends_with(name);
  });
}

bool waits_for_thaw(std::string_view wchan) {
  return wchan.starts_with("percpu_rwsem_wait") || wchan == "__percpu_down_read";
}

}  // namespace pghang
