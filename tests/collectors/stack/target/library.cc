#include "tests/collectors/stack/target/library.h"

namespace pghang_target {

/// A class, for names that need demangling.
class Caller {
 public:
  explicit Caller(int (*callback)(int)) : callback_(callback) {}

  [[nodiscard, PGHANG_WHOLE, gnu::visibility("default")]] int call_with(int value) const {
    const int result = callback_(value);
    asm volatile("" ::: "memory");
    return result + 1;
  }

 private:
  int (*callback_)(int);
};

}  // namespace pghang_target

extern "C" [[PGHANG_WHOLE]] int pghang_nothing() {
  return 0;
}

extern "C" [[PGHANG_WHOLE]] int pghang_through_library(int (*callback)(int), int value) {
  const int result = pghang_target::Caller(callback).call_with(value);
  asm volatile("" ::: "memory");
  return result + 1;
}
