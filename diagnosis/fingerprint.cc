#include "diagnosis/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::size_t kMinimumNames = 3;
constexpr std::size_t kExactFrames = 32;
constexpr std::size_t kTextNames = 8;
/// Longest repeated run that is taken for recursion: PL/pgSQL calling itself is about ten exported
/// functions a turn.
constexpr std::size_t kLongestCycle = 16;

/// Where the part of a stack ends that tells one hang from another.
constexpr auto kEntries = std::to_array<std::string_view>(
    {"AuxiliaryProcessMain",
     "BackgroundWorkerMain",
     "ParallelWorkerMain",
     "PostgresMain",
     "StartBackgroundWorker"}
);

/// Every statement passes through these: they say nothing in a line of text.
constexpr auto kTextEnd =
    std::to_array<std::string_view>({"PortalRun", "exec_simple_query", "PostgresMain"});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

/// Appends a name, then folds: where the last names repeat those before them, they go. So the
/// depth of a recursion leaves no trace.
void append_folded(std::vector<std::string>& names, std::string name) {
  names.push_back(std::move(name));
  for (std::size_t length = 1; length <= kLongestCycle && 2 * length <= names.size();) {
    const auto end = names.end();
    const auto count = static_cast<std::ptrdiff_t>(length);
    if (std::equal(end - count, end, end - 2 * count)) {
      names.erase(end - count, end);
      length = 1;
    } else {
      ++length;
    }
  }
}

/// 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), the algorithm's number first.
class Hash {
 public:
  Hash() { add(std::to_string(kFingerprintAlgorithm)); }

  void add(std::string_view bytes) {
    for (const char byte : bytes)
      mix(static_cast<unsigned char>(byte));
    mix(0);
  }

  [[nodiscard]] std::string hex() const {
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(state_));
    return digits.data();
  }

 private:
  void mix(unsigned char byte) {
    state_ ^= byte;
    state_ *= 0x0000'0100'0000'01B3U;
  }

  std::uint64_t state_ = 0xCBF2'9CE4'8422'2325U;
};

bool has_name(const Frame& frame) {
  if (frame.kind == FrameKind::plt || frame.inlined) return false;
  return frame.kind == FrameKind::signal ||
         (frame.exported && frame.function && !frame.function->empty());
}

/// What tells this hang from another: up to where the process starts, recursion folded.
struct Telling {
  std::vector<std::string> names;
  bool reaches_entry = false;
};

Telling telling_part(const StackTrace& stack) {
  Telling telling;
  for (std::string& name : exported_names(stack)) {
    append_folded(telling.names, std::move(name));
    telling.reaches_entry = contains(kEntries, telling.names.back());
    if (telling.reaches_entry) break;
  }
  return telling;
}

std::string poor_because(const StackTrace& stack, const Telling& telling) {
  if (stack.frames.empty())
    return stack.stop_reason.empty() ? "there is no user stack"
                                     : "there is no user stack: " + stack.stop_reason;
  // Where it broke off may differ from one time to the next, and so would the fingerprint.
  if (!stack.complete && !telling.reaches_entry)
    return "the user stack is incomplete: " +
           (stack.stop_reason.empty() ? std::string("it ends early") : stack.stop_reason);
  if (telling.names.size() < kMinimumNames)
    return "only " + std::to_string(telling.names.size()) + " exported function" +
           (telling.names.size() == 1 ? "" : "s") +
           " on the user stack, too few to tell hangs apart";
  return {};
}

std::string stable_hash(const std::vector<std::string>& names) {
  Hash hash;
  for (const std::string& name : names)
    hash.add(name);
  return hash.hex();
}

std::string exact_hash(const std::vector<Frame>& frames) {
  Hash hash;
  std::size_t taken = 0;
  for (const Frame& frame : frames) {
    if (frame.inlined) continue;
    if (++taken > kExactFrames) break;
    hash.add(frame.build_id.empty() ? text::base_name(frame.module) : frame.build_id);
    hash.add(std::to_string(frame.offset));
  }
  return hash.hex();
}

std::string readable(const std::vector<std::string>& names) {
  const auto end =
      std::ranges::find_if(names, [](const auto& name) { return contains(kTextEnd, name); });
  std::vector<std::string> telling(names.begin(), end);
  if (telling.empty()) telling = names;
  if (telling.size() > kTextNames) telling.resize(kTextNames);
  return text::join(telling, " | ");
}

}  // namespace

std::vector<std::string> exported_names(const StackTrace& stack) {
  std::vector<std::string> names;
  for (const Frame& frame : stack.frames)
    if (has_name(frame))
      names.push_back(
          frame.kind == FrameKind::signal ? "<signal handler called>"
                                          : normalised_name(*frame.function)
      );
  return names;
}

std::string no_fingerprint_because(const StackTrace& stack) {
  return poor_because(stack, telling_part(stack));
}

std::optional<Fingerprint> fingerprint(const StackTrace& stack) {
  const Telling telling = telling_part(stack);
  if (!poor_because(stack, telling).empty()) return std::nullopt;
  Fingerprint result;
  result.stable = stable_hash(telling.names);
  result.exact = exact_hash(stack.frames);
  result.text = readable(telling.names);
  const auto named = std::ranges::count_if(stack.frames, has_name);
  const auto all = std::ranges::count(stack.frames, false, &Frame::inlined);
  result.quality = static_cast<double>(named) / static_cast<double>(all);
  return result;
}

}  // namespace pghang
