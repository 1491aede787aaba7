#pragma once

#include "exporters/view.h"

/// What a hung COPY from a FIFO looks like, complete and constant.
namespace pghang::sample {

inline constexpr std::int64_t kNow = 1'795'360'323'000'000;  ///< 2026-11-22T15:12:03Z

[[nodiscard]] Activity activity();
[[nodiscard]] SyscallTrace trace();
[[nodiscard]] Evidence evidence();         ///< every field of the contract has a value
[[nodiscard]] SignatureMatch signature();  ///< a bug that the server has
[[nodiscard]] Verdict verdict();
[[nodiscard]] Fingerprint fingerprint();
[[nodiscard]] WaitGraph wait_graph();  ///< one backend waits for a lock of this one
[[nodiscard]] Incident incident();     ///< unresponsive for 60 s at kNow
[[nodiscard]] Incident resolved_incident();
[[nodiscard]] View view();  ///< one target, up, with that incident and its backend

}  // namespace pghang::sample
