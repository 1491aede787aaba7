#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pghang {

/// How a stack was taken (DESIGN section 3). The spelling is a metric label.
enum class CaptureMethod {
  in_place,     ///< read while blocked; the process was never stopped
  ptrace_stop,  ///< stopped for microseconds by PTRACE_SEIZE + PTRACE_INTERRUPT
  kernel_only,  ///< no user stack could be had
};

[[nodiscard]] const char* to_string(CaptureMethod method);

enum class FrameKind {
  normal,
  signal,  ///< the kernel's signal trampoline: `<signal handler called>`
  plt,     ///< a PLT stub
  jit,     ///< code in an anonymous executable mapping
  vdso,
};

[[nodiscard]] const char* to_string(FrameKind kind);

/// How the verified scan (DESIGN section 2) came to a frame's CFA.
enum class RecoveredBy {
  none,           ///< CFI alone
  direct_call,    ///< the return address follows a call of this very function (PLT, GOT included)
  indirect_call,  ///< it follows a call through a register or memory; all the rest was consistent
  tail_call,      ///< it follows a call of another function, which may have jumped to this one
  signal,         ///< it is the kernel's signal trampoline
};

[[nodiscard]] const char* to_string(RecoveredBy way);

/// One frame, innermost first in a trace.
struct Frame {
  std::uint64_t address =
      0;  ///< pc in the target; a return address except in frame 0 and signal frames
  std::optional<std::string> function;  ///< only where a symbol's size covers the looked-up address
  bool exported =
      false;  ///< `function` is in .dynsym: named so on every installation of this build
  std::optional<std::string> demangled;  ///< when it differs from `function`
  std::string module;                    ///< path as mapped; empty when in no mapping
  std::uint64_t offset = 0;              ///< address - load bias
  std::string build_id;                  ///< lower-case hex; empty when the module has none
  std::uint64_t fde_start = 0;  ///< start of the covering FDE, as offset in the module; 0: none
  FrameKind kind = FrameKind::normal;
  bool recovered = false;  ///< its CFA came from the verified scan, not from CFI alone
  RecoveredBy recovered_by = RecoveredBy::none;
  /// `function` is inlined into the next frame that is not: the same address, never exported, and
  /// only there when it was asked for.
  bool inlined = false;
  std::string file;        ///< source file where debug info has it, as the compiler wrote it
  std::uint32_t line = 0;  ///< in `file`, 1-based: of the code in frame 0, of the call in others

  friend bool operator==(const Frame&, const Frame&) = default;
};

/// A user stack. A partial one is a result, not an error.
struct StackTrace {
  CaptureMethod method = CaptureMethod::kernel_only;
  double held_micros = 0;   ///< time the process was held stopped, all samples together
  bool complete = false;    ///< the outermost frame (`_start`, `clone`) was reached
  std::string stop_reason;  ///< why unwinding ended when not complete
  std::vector<Frame> frames;
  /// Frames left out of a deep stack: they lie between frames[omitted_after - 1] and
  /// frames[omitted_after]. 0: none, the frames are all there.
  std::uint32_t omitted = 0;
  std::uint32_t omitted_after = 0;
  bool wants_registers = false;  ///< not complete for want of a register: a stop would tell it

  friend bool operator==(const StackTrace&, const StackTrace&) = default;
};

}  // namespace pghang
