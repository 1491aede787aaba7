#pragma once

#include "collectors/stack/address_layout.h"
#include "collectors/stack/frame_stepper.h"

namespace pghang {

/// The verified scan of DESIGN section 2. The stepper is in a frame whose CFA depends on rbp, which
/// is not known. Looks up the stack for the return address into the caller: a slot whose value
/// follows a call to this function, and from which the walk reaches the outermost frame (or, where
/// the copy of the stack is cut, the end of the copy). On success rbp is set, the next step()
/// succeeds, and the result is how the caller was verified; `none`: the stepper is as before.
/// Costs the same however deep the stack is. `at_call`: the frame is at a call or system call,
/// so its locals lie above sp.
[[nodiscard]] RecoveredBy recover_frame_pointer(
    FrameStepper& stepper,
    const AddressLayout& layout,
    bool at_call,
    bool stack_truncated
);

}  // namespace pghang
