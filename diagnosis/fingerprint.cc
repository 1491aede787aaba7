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
  return frame.kind == FrameKind::signal || (frame.function && !frame.function->empty());
}

std::vector<std::string> folded_names(const std::vector<Frame>& frames) {
  std::vector<std::string> names;
  for (const Frame& frame : frames) {
    if (!has_name(frame) || frame.kind == FrameKind::plt) continue;
    append_folded(
        names,
        frame.kind == FrameKind::signal ? "<signal handler called>"
                                        : normalised_name(*frame.function)
    );
    if (contains(kEntries, names.back())) break;
  }
  return names;
}

std::string stable_hash(const std::vector<std::string>& names) {
  Hash hash;
  for (const std::string& name : names)
    hash.add(name);
  return hash.hex();
}

std::string exact_hash(const std::vector<Frame>& frames) {
  Hash hash;
  for (std::size_t i = 0; i < std::min(frames.size(), kExactFrames); ++i) {
    const Frame& frame = frames[i];
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

std::optional<Fingerprint> fingerprint(const StackTrace& stack) {
  const auto names = folded_names(stack.frames);
  if (names.size() < kMinimumNames) return std::nullopt;
  Fingerprint result;
  result.stable = stable_hash(names);
  result.exact = exact_hash(stack.frames);
  result.text = readable(names);
  const auto named = std::ranges::count_if(stack.frames, has_name);
  result.quality = static_cast<double>(named) / static_cast<double>(stack.frames.size());
  return result;
}

}  // namespace pghang
