#pragma once

extern "C" {
/// Calls `callback` by way of a few C++ functions of the shared library.
[[gnu::visibility("default")]] int pghang_through_library(int (*callback)(int), int value);
}
