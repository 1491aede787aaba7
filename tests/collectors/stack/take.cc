#include "tests/collectors/stack/take.h"

#include <chrono>
#include <thread>

#include "collectors/stack/regular_file.h"

namespace pghang::test {

namespace {

constexpr std::chrono::milliseconds kStopDeadline{1000};
constexpr std::chrono::seconds kPatience{10};

template <typename Capture>
Result<StackSnapshot> with_mappings(pid_t pid, Capture capture) {
  auto mappings = mappings_of(pid);
  auto snapshot = capture(mappings);
  if (snapshot) snapshot->mappings = std::move(mappings);
  return snapshot;
}

}  // namespace

ProcessKey key_of(pid_t pid) {
  const auto text = ProcFs().read(pid, "stat");
  const auto stat = text ? parse_stat(*text) : Result<ProcStat>(text.error());
  return {pid, stat ? stat->start_ticks : 0};
}

std::vector<Mapping> mappings_of(pid_t pid) {
  const auto text = ProcFs().read(pid, "maps");
  if (!text) return {};
  const auto mappings = parse_maps(*text);
  return mappings ? *mappings : std::vector<Mapping>();
}

ProcessState state_of(pid_t pid) {
  const auto text = ProcFs().read(pid, "stat");
  if (!text) return ProcessState::unknown;
  const auto stat = parse_stat(*text);
  return stat ? stat->state : ProcessState::unknown;
}

bool wait_for_state(pid_t pid, ProcessState state) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (state_of(pid) != state) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

Result<StackSnapshot> take_in_place(pid_t pid) {
  return with_mappings(pid, [pid](const std::vector<Mapping>& mappings) {
    std::uint32_t torn = 0;
    return capture_in_place(ProcFs(), key_of(pid), mappings, torn);
  });
}

Result<StackSnapshot> take_ptrace_stop(pid_t pid) {
  return with_mappings(pid, [pid](const std::vector<Mapping>& mappings) {
    return capture_ptrace_stop(ProcFs(), key_of(pid), mappings, kStopDeadline, {});
  });
}

Result<StackSnapshot> take(pid_t pid) {
  auto snapshot = take_in_place(pid);
  return snapshot ? snapshot : take_ptrace_stop(pid);
}

DebugPlaces places_of(const std::string& debug_root) {
  DebugPlaces places;
  places.roots.push_back(open_root("/"));
  places.debug_root = debug_root;
  return places;
}

StackTrace trace_of(const StackSnapshot& snapshot, const std::string& debug_root) {
  ModuleCache cache({.debug_root = debug_root});
  cache.load(snapshot.key.pid, snapshot.mappings);
  return unwind(snapshot, cache);
}

}  // namespace pghang::test
