#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/stack_trace.h"

namespace pghang {

/// Raised whenever the same stack would give another `stable` or `exact`: fingerprints are stored
/// with incidents and compared over years. 2: exported names only.
inline constexpr int kFingerprintAlgorithm = 2;

/// Names a hang by its stack, so that ten victims of one bug are one line.
struct Fingerprint {
  /// 16 hex digits over normalised exported names: survives ASLR, restarts, minor releases, and
  /// debug packages that come or go.
  std::string stable;
  std::string exact;  ///< 16 hex digits over build id + offset
  std::string text;   ///< `epoll_wait | WaitEventSetWait | ConditionVariableSleep`
  int algorithm = kFingerprintAlgorithm;
  double quality = 0;  ///< share of frames that have an exported name, 0 to 1

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// Nothing when the stack is too poor to tell one hang from another.
[[nodiscard]] std::optional<Fingerprint> fingerprint(const StackTrace& stack);

/// Why there is none, for a person; empty when there is one. Then the stack is missing, or ends
/// before the function that a server process starts in, or has fewer than three exported names.
[[nodiscard]] std::string no_fingerprint_because(const StackTrace& stack);

/// The exported names of a stack as the fingerprint sees them, innermost first: normalised, without
/// PLT stubs, a signal handler's frame as `<signal handler called>`. Nothing is folded or cut.
[[nodiscard]] std::vector<std::string> exported_names(const StackTrace& stack);

/// A frame's name as the fingerprint sees it: clone suffixes (`.isra.0`, `.part.1`, `.constprop.0`,
/// `.cold`), `__GI_`, symbol versions (`@@GLIBC_2.2.5`) and libc's wrapper prefixes folded.
[[nodiscard]] std::string normalised_name(const std::string& function);

}  // namespace pghang
