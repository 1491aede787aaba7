#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "collectors/stack/address_layout.h"
#include "collectors/stack/snapshot.h"

namespace pghang {

/// How one step went.
enum class StepResult {
  stepped,         ///< now in the caller's frame
  outermost,       ///< the return address is undefined by CFI: there is no caller
  needs_register,  ///< the CFA depends on a register that is not known: missing_register()
  no_unwind_info,  ///< no FDE covers the pc
  unreadable,      ///< CFI led to memory that is not in the snapshot
  broken,          ///< the tables are damaged, or the walk used up its budget
};

/// Walks frames with libunwind over a snapshot: tables and code come from the ELF files, the stack
/// from the captured bytes, registers from the snapshot. Refers to both; not thread-safe.
class FrameStepper {
 public:
  FrameStepper(const StackSnapshot& snapshot, const AddressLayout& layout);
  FrameStepper(const FrameStepper&) = delete;
  FrameStepper& operator=(const FrameStepper&) = delete;
  ~FrameStepper();

  /// False when the snapshot has no rip and rsp.
  [[nodiscard]] bool valid() const;
  [[nodiscard]] std::uint64_t pc() const;
  /// Stack pointer in this frame: the CFA of the frame below.
  [[nodiscard]] std::uint64_t sp() const;

  /// After anything but `stepped` and `outermost` the frame is the same as before.
  [[nodiscard]] StepResult step();
  /// DWARF number of the register that the last step lacked.
  [[nodiscard]] std::size_t missing_register() const;
  /// Sets a register that was not known in the snapshot.
  void set_register(std::size_t number, std::uint64_t value);

  /// Remembers where the walk is; calling the result brings it back there, as often as wanted
  /// while the stepper lives.
  [[nodiscard]] std::function<void()> checkpoint();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace pghang
