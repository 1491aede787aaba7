#include "collectors/stack/omission.h"

#include <algorithm>

namespace pghang {

namespace {

/// The longest turn of a recursion that is looked for: PL/pgSQL calling itself takes 25 frames.
constexpr std::size_t kLongestTurn = 64;
/// A shorter agreement is chance.
constexpr std::size_t kShortestMatch = 4;

/// The inner end tells what hangs, the outer one how it came there.
std::size_t inner_share(std::size_t keep) {
  return keep * 5 / 8;
}

/// How many frames from `a` and `b` on are the same.
std::size_t match(const std::vector<std::uint64_t>& pcs, std::size_t a, std::size_t b) {
  std::size_t length = 0;
  while (length < 2 * kLongestTurn && b + length < pcs.size() && pcs[a + length] == pcs[b + length])
    ++length;
  return length;
}

}  // namespace

Omission choose_omission(const std::vector<std::uint64_t>& pcs, std::size_t keep) {
  if (pcs.size() <= keep) return {};
  const std::size_t after = inner_share(keep);
  const std::size_t first = pcs.size() - (keep - after);
  std::size_t best = first;
  std::size_t longest = kShortestMatch;
  for (std::size_t go_on = first; go_on < std::min(first + kLongestTurn, pcs.size()); ++go_on) {
    const std::size_t length = match(pcs, after, go_on);
    if (length <= longest) continue;
    longest = length;
    best = go_on;
  }
  return {after, best - after};
}

void keep_ends(StackTrace& trace, std::size_t keep) {
  const std::size_t all = trace.frames.size();
  if (all <= keep) return;
  const std::size_t seam = trace.omitted > 0 ? trace.omitted_after : all;
  const std::size_t inner = std::min(inner_share(keep), seam);
  const std::size_t outer = std::min(keep - inner, all - (trace.omitted > 0 ? seam : inner));
  const auto first = trace.frames.begin() + static_cast<std::ptrdiff_t>(inner);
  trace.frames.erase(first, trace.frames.end() - static_cast<std::ptrdiff_t>(outer));
  trace.omitted += static_cast<std::uint32_t>(all - inner - outer);
  trace.omitted_after = static_cast<std::uint32_t>(inner);
}

}  // namespace pghang
