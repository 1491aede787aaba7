// A process with a known stack, for the tests to look at. Mode is the first argument. Writes
// `ready` when it is about to block or spin. Names are C names in .dynsym, so that the stripped
// build has them as well.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/collectors/stack/target/library.h"

namespace {

volatile sig_atomic_t signals_seen = 0;
volatile sig_atomic_t asked_to_end = 0;
const char* mode = "";

void say(const char* text) {
  (void)!write(STDOUT_FILENO, text, strlen(text));
}

bool is_mode(const char* name) {
  return strcmp(mode, name) == 0;
}

/// `deep:N` and `deepspin:N` recurse N times first.
bool is_deep() {
  return strncmp(mode, "deep", 4) == 0;
}

bool spins() {
  return is_mode("spin") || is_mode("count") || strncmp(mode, "deepspin", 8) == 0;
}

}  // namespace

// The empty asm after each call keeps the compiler from making it a jump.
#define PGHANG_KEEP_FRAME() asm volatile("" ::: "memory")

extern "C" {

[[PGHANG_WHOLE, gnu::visibility("default")]] void pghang_spin(volatile long* counter) {
  while (asked_to_end == 0)
    *counter = *counter + 1;
  PGHANG_KEEP_FRAME();
}

[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_block(int value) {
  say("ready\n");
  long counter = 0;
  if (is_mode("read")) {
    int pipe_ends[2];
    char byte = 0;
    if (pipe(pipe_ends) == 0) value += static_cast<int>(read(pipe_ends[0], &byte, 1));
  } else if (spins()) {
    pghang_spin(&counter);
  } else if (is_mode("wake")) {
    prctl(PR_SET_TIMERSLACK, 1);
    const timespec moment{0, 20'000};
    while (asked_to_end == 0)
      nanosleep(&moment, nullptr);
  } else if (is_mode("plt")) {
    while (asked_to_end == 0)
      counter += pghang_nothing();
  } else if (is_mode("vdso")) {
    timespec now{};
    while (asked_to_end == 0)
      counter += clock_gettime(CLOCK_MONOTONIC, &now);
  } else {
    const timespec forever{1'000'000, 0};
    nanosleep(&forever, nullptr);
  }
  PGHANG_KEEP_FRAME();
  return value + static_cast<int>(counter);
}

[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_deep(int depth) {
  const int result = depth > 1 ? pghang_deep(depth - 1) : pghang_block(depth);
  PGHANG_KEEP_FRAME();
  return result + 1;
}

/// Calls `function` from code that is in no file: push %rbp; mov %rsp,%rbp; mov %rdi,%rax;
/// mov %esi,%edi; call *%rax; pop %rbp; ret
[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_by_jit(int (*function)(int), int value) {
  constexpr unsigned char code[] =
      {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8, 0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3};
  constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  void* page = mmap(nullptr, sizeof code, PROT_READ | PROT_WRITE, anonymous, -1, 0);
  if (page == MAP_FAILED) return 0;
  memcpy(page, code, sizeof code);
  if (mprotect(page, sizeof code, PROT_READ | PROT_EXEC) != 0) return 0;
  const int result = reinterpret_cast<int (*)(int (*)(int), int)>(page)(function, value);
  PGHANG_KEEP_FRAME();
  return result + 1;
}

/// Its stack is realigned: where the caller's frame is, only an expression over rbp tells.
[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_realigned(int value) {
  alignas(64) volatile char aligned[64] = {};
  volatile char* sized =
      static_cast<volatile char*>(__builtin_alloca(static_cast<unsigned>(value) + 16U));
  sized[0] = 1;
  aligned[value & 0x3f] = 1;
  const int result = pghang_block(value);
  PGHANG_KEEP_FRAME();
  return result + aligned[0] + sized[0];
}

[[PGHANG_WHOLE, gnu::visibility("default")]] void pghang_handler(int) {
  pghang_block(1);
  PGHANG_KEEP_FRAME();
}

[[gnu::visibility("default")]] void pghang_count(int) {
  signals_seen = signals_seen + 1;
}

[[gnu::visibility("default")]] void pghang_end(int) {
  asked_to_end = 1;
}

/// Locals of a size that shows in the stack.
[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_level_one(int value) {
  volatile char filler[300] = {};
  filler[value & 0xff] = 1;
  int result = 0;
  if (is_mode("signal")) {
    signal(SIGUSR1, pghang_handler);
    result = raise(SIGUSR1);
  } else if (is_mode("jit")) {
    result = pghang_by_jit(pghang_block, value);
  } else {
    result = pghang_block(value);
  }
  PGHANG_KEEP_FRAME();
  return result + filler[0];
}

[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_level_two(int value) {
  const int result = pghang_level_one(value + 1);
  PGHANG_KEEP_FRAME();
  return result + 1;
}

[[PGHANG_WHOLE, gnu::visibility("default")]] int pghang_level_three(int value) {
  const int result = pghang_through_library(pghang_level_two, value);
  PGHANG_KEEP_FRAME();
  return result + 1;
}

}  // extern "C"

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  mode = argc > 1 ? argv[1] : "nanosleep";
  if (is_mode("count")) {
    signal(SIGRTMIN, pghang_count);
    signal(SIGTERM, pghang_end);
  }
  if (is_deep()) return pghang_deep(std::atoi(strchr(mode, ':') + 1)) == 12345 ? 1 : 0;
  if (is_mode("realigned")) return pghang_realigned(argc) == 12345 ? 1 : 0;
  const int result = pghang_level_three(argc);
  if (is_mode("count")) dprintf(STDOUT_FILENO, "%d\n", static_cast<int>(signals_seen));
  return result == 12345 ? 1 : 0;
}
