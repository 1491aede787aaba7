#pragma once

// Keeps a function whole: neither inlined nor cloned. A clone has another name.
#ifdef __clang__
#define PGHANG_WHOLE gnu::noinline
#else
#define PGHANG_WHOLE gnu::noipa
#endif

extern "C" {
/// Calls `callback` by way of a few C++ functions of the shared library.
[[gnu::visibility("default")]] int pghang_through_library(int (*callback)(int), int value);
}
