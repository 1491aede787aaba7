#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collectors/process/target_memory.h"
#include "collectors/stack/stack_copy.h"

namespace pghang {

/// The stack of a process that is about to be stopped. Whatever can be done before the stop is done
/// by the constructor: the target's pages and ours are faulted in, and ours locked where allowed;
/// the part of a deep stack that the hold is too short for is read ahead.
class HeldStack {
 public:
  HeldStack(const TargetMemory& memory, const std::vector<Mapping>& mappings);
  HeldStack(const HeldStack&) = delete;
  HeldStack& operator=(const HeldStack&) = delete;
  ~HeldStack();

  /// False without memory for the copy.
  [[nodiscard]] bool ready() const { return buffer_ != nullptr; }

  /// In the hold: one read, no allocation. False when nothing came.
  [[nodiscard]] bool copy(std::uint64_t sp);
  /// After the hold: reads what lies behind the copy again. What was the same before and after, to
  /// the stack's end, was so in between; it is appended.
  void complete();

  [[nodiscard]] const StackRange& range() const { return range_; }

  /// The copied bytes, from range().start on.
  [[nodiscard]] std::string bytes() const;
  [[nodiscard]] bool truncated() const;

 private:
  const TargetMemory& memory_;
  const std::vector<Mapping>& mappings_;
  std::byte* buffer_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint64_t ahead_start_ = 0;
  std::string ahead_;  ///< [ahead_start_, end of the stack), as it was before
  StackRange range_;
  std::size_t copied_ = 0;
  std::string rest_;
};

}  // namespace pghang
