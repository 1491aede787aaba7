#pragma once

// Keeps a function whole: neither inlined nor cloned. A clone has another name.
#ifdef __clang__
#define PGHANG_WHOLE gnu::noinline
#else
#define PGHANG_WHOLE gnu::noipa
#endif

extern "C" {
/// Returns 0.
[[gnu::visibility("default")]] int pghang_nothing();
/// Calls `callback` by way of a few C++ functions of the shared library.
[[gnu::visibility("default")]] int pghang_through_library(int (*callback)(int), int value);
}
