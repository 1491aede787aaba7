#include "collectors/stack/frame_recovery.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "collectors/stack/call_site.h"

namespace pghang {

namespace {

/// Frames that need the scan are small: 1 MiB of locals does not fit the copy anyway.
constexpr std::uint64_t kMaxScanBytes = 64U << 10U;
/// Candidates whose unwind is tried, per kind. Measured on backends: the first one is right.
constexpr std::size_t kMaxCandidates = 32;
/// A walk that is right for so long is right: a deep recursion is not walked once per candidate.
constexpr std::size_t kConvincingFrames = 256;
constexpr std::size_t kWord = 8;
constexpr std::size_t kPrologueBytes = 128;

enum class Continuation { complete, cut, wrong };

/// The FDE that covers `address`; absolute addresses are not in it.
std::optional<FunctionRange> range_at(const AddressLayout& layout, std::uint64_t address) {
  const CodePlace place = layout.at(address);
  if (place.module == nullptr) return std::nullopt;
  return place.module->function_range(address - place.bias);
}

/// Walks on from a candidate. Every return address must follow a call, or be a signal trampoline.
Continuation walk_to_end(FrameStepper& stepper, const AddressLayout& layout, bool stack_truncated) {
  bool is_return_address = true;
  for (std::size_t i = 0; i < kConvincingFrames; ++i) {
    const std::uint64_t pc = stepper.pc();
    const std::uint64_t sp = stepper.sp();
    const auto range = range_at(layout, is_return_address ? pc - 1 : pc);
    if (!range) return Continuation::wrong;
    if (is_return_address && !range->signal_frame &&
        call_before(layout, pc).kind == CallSite::Kind::none) {
      return Continuation::wrong;
    }
    const StepResult result = stepper.step();
    if (result == StepResult::outermost) return Continuation::complete;
    const bool ran_out = result == StepResult::unreadable && stack_truncated;
    if (result != StepResult::stepped) return ran_out ? Continuation::cut : Continuation::wrong;
    // A handler may run on a stack of its own, anywhere.
    if (stepper.sp() <= sp && !range->signal_frame) return Continuation::wrong;
    is_return_address = !range->signal_frame;
  }
  return Continuation::complete;
}

/// A slot of the stack that may hold the return address into the caller.
struct Candidate {
  std::uint64_t slot = 0;
  RecoveredBy way = RecoveredBy::none;
};

struct Candidates {
  std::vector<Candidate> certain;   ///< the return address follows a call to us
  std::vector<Candidate> possible;  ///< an indirect call, one to a function that may have jumped
                                    ///< here (tail call), or a signal trampoline
};

RecoveredBy way_of(const AddressLayout& layout, const CallSite& site, std::uint64_t function) {
  switch (site.kind) {
    case CallSite::Kind::none: return RecoveredBy::signal;
    case CallSite::Kind::direct:
      return calls(layout, site, function) ? RecoveredBy::direct_call : RecoveredBy::tail_call;
    case CallSite::Kind::slot:
      return calls(layout, site, function) ? RecoveredBy::direct_call : RecoveredBy::indirect_call;
    case CallSite::Kind::indirect: return RecoveredBy::indirect_call;
  }
  return RecoveredBy::none;
}

/// True when the kernel called: the return address is the trampoline, which no call precedes.
bool is_trampoline(const AddressLayout& layout, std::uint64_t return_address) {
  const CodePlace place = layout.at(return_address);
  if (place.module == nullptr || !place.mapping->executable) return false;
  const auto range = range_at(layout, return_address - 1);
  return range && range->signal_frame;
}

Candidates
find_candidates(const AddressLayout& layout, std::uint64_t from, std::uint64_t function) {
  Candidates candidates;
  const std::uint64_t end = std::min(layout.stack_end(), from + kMaxScanBytes);
  for (std::uint64_t slot = from; slot + kWord <= end; slot += kWord) {
    const auto value = layout.stack_word(slot);
    if (!value) break;
    const CallSite site = call_before(layout, *value);
    if (site.kind == CallSite::Kind::none && !is_trampoline(layout, *value)) continue;
    const RecoveredBy way = way_of(layout, site, function);
    auto& list = way == RecoveredBy::direct_call ? candidates.certain : candidates.possible;
    if (list.size() < kMaxCandidates) list.push_back({slot, way});
  }
  return candidates;
}

}  // namespace

RecoveredBy recover_frame_pointer(
    FrameStepper& stepper,
    const AddressLayout& layout,
    bool at_call,
    bool stack_truncated
) {
  const std::uint64_t lookup = at_call ? stepper.pc() - 1 : stepper.pc();
  const CodePlace place = layout.at(lookup);
  const auto range = range_at(layout, lookup);
  if (!range) return RecoveredBy::none;
  // What lies in the locals is left over from earlier calls; it can look like a live frame.
  const std::uint64_t locals =
      at_call ? prologue_locals(place.module->bytes_at(
                    range->start,
                    std::min<std::uint64_t>(kPrologueBytes, range->end - range->start)
                ))
              : 0;
  // The lowest place for the saved rbp is the top of the stack; the return address is above it.
  const std::uint64_t from = (stepper.sp() + (locals & ~std::uint64_t{kWord - 1}) + kWord);
  const Candidates candidates = find_candidates(layout, from, place.bias + range->start);

  const auto go_back = stepper.checkpoint();
  const auto set = [&](const Candidate& candidate) {
    stepper.set_register(kRegisterRbp, candidate.slot - kWord);
    return candidate.way;
  };
  std::optional<Candidate> cut;
  for (const auto* list : {&candidates.certain, &candidates.possible}) {
    for (const Candidate& candidate : *list) {
      set(candidate);
      Continuation end = Continuation::wrong;
      if (stepper.step() == StepResult::stepped &&
          stepper.pc() == layout.stack_word(candidate.slot)) {
        end = walk_to_end(stepper, layout, stack_truncated);
      }
      go_back();
      if (end == Continuation::complete) return set(candidate);
      if (end == Continuation::cut && !cut && list == &candidates.certain) cut = candidate;
    }
  }
  return cut ? set(*cut) : RecoveredBy::none;
}

}  // namespace pghang
