#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collectors/evidence/evidence.h"

namespace pghang {

/// A frame of a user stack as reports and pages word it. Printable; parts may be empty.
struct FrameWords {
  /// Innermost 0; frames left out of a deep stack are counted.
  std::size_t number = 0;
  char mark = ' ';     ///< `*` or `?`: stack_legend() says what they mean
  std::string name;    ///< the function, demangled, cut where it would fill a screen
  std::string place;   ///< `postgres+0x450264`, `(inlined)`, an address
  std::string source;  ///< `fd.c:2587`
};

/// `frame` is number `index` of the stack's own list.
[[nodiscard]] FrameWords frame_words(const StackTrace& stack, std::size_t index);

/// `in_place, never stopped, complete`.
[[nodiscard]] std::string stack_taken(const Capture& capture);

/// What stands below the frames: why they end, and what the marks that occur mean. A line each.
[[nodiscard]] std::vector<std::string> stack_legend(const StackTrace& stack);

/// What the samples show of movement: `3 of 3 stacks identical`, CPU, switches, I/O. A line each.
[[nodiscard]] std::vector<std::string> sample_lines(const Evidence& evidence);

}  // namespace pghang
