#pragma once

#include "collectors/evidence/capture.h"
#include "diagnosis/text.h"

namespace pghang {

/// What explanations say of the system call's path, descriptor and members, and of who is behind
/// them.
void add_descriptor_values(const Capture& capture, text::Values& values);

/// The connection to its client, for a process that is known to talk to it: the call's own socket,
/// or the only one that it waits for. Null where that cannot be told.
[[nodiscard]] const FdTarget* client_socket(const Capture& capture);

}  // namespace pghang
