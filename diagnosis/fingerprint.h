#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/stack_trace.h"

namespace pghang {

inline constexpr int kFingerprintAlgorithm = 1;

/// Names a hang by its stack, so that ten victims of one bug are one line.
struct Fingerprint {
  std::string stable;  ///< 16 hex digits over normalised exported names: survives ASLR and restarts
  std::string exact;   ///< 16 hex digits over build id + offset
  std::string text;    ///< `epoll_wait | WaitEventSetWait | ConditionVariableSleep`
  int algorithm = kFingerprintAlgorithm;
  double quality = 0;  ///< share of frames that have a name, 0 to 1

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// Nothing when the stack is too poor to tell one hang from another (no user stack, or fewer than
/// three named frames).
[[nodiscard]] std::optional<Fingerprint> fingerprint(const StackTrace& stack);

/// A frame's name as the fingerprint sees it: clone suffixes (`.isra.0`, `.part.1`, `.constprop.0`,
/// `.cold`), `__GI_`, symbol versions (`@@GLIBC_2.2.5`) and libc's wrapper prefixes folded.
[[nodiscard]] std::string normalised_name(const std::string& function);

}  // namespace pghang
