#pragma once

#include "collectors/evidence/capture.h"
#include "collectors/sampler/capture_children.h"
#include "collectors/sampler/helper_hooks.h"
#include "collectors/sampler/protocol.h"
#include "collectors/sampler/symbolizer.h"

namespace pghang::sampler {

/// A whole capture: samples and stack without a stop, by a stop where that is worth it, the
/// server's other processes where they matter, names and lines; by as many children as it takes.
/// Errors: malformed, refused (the request), timeout, and those of the target.
[[nodiscard]] Result<Capture> take_capture(
    const CaptureRequest& request,
    Turn& turn,
    CaptureChildren& children,
    Symbolizer& symbols,
    const HelperHooks& hooks
);

}  // namespace pghang::sampler
