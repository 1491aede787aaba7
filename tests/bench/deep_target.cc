// A process whose stack is as deep as asked, with as many more modules as are named: says `ready`,
// then blocks until its parent ends.
//
// usage: deep_target DEPTH [LIBRARY...]
#include <dlfcn.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

extern "C" {

/// Each level is one frame of a few dozen bytes. The asm keeps the call from becoming a jump or a
/// loop.
// NOLINTNEXTLINE(misc-no-recursion): that is what it is for
[[gnu::noinline, gnu::visibility("default")]] int pghang_deeper(int levels) {
  if (levels <= 0) {
    std::puts("ready");
    std::fflush(stdout);
    return ::pause();
  }
  const int result = pghang_deeper(levels - 1);
  asm volatile("" ::: "memory");
  return result + 1;
}

}  // extern "C"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: deep_target DEPTH [LIBRARY...]\n");
    return 64;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 2; i < argc; ++i) {
    if (::dlopen(argv[i], RTLD_NOW) == nullptr) {
      std::fprintf(stderr, "deep_target: %s cannot be loaded\n", argv[i]);
      return 1;
    }
  }
  constexpr int decimal = 10;
  return pghang_deeper(static_cast<int>(std::strtol(argv[1], nullptr, decimal))) & 1;
}
