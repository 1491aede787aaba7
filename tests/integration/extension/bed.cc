// The C++ half: a method, called by a function template that is inlined.
#include <ctime>

namespace sleeper {

class Bed {
 public:
  explicit Bed(int seconds) : left_{seconds, 0} {}

  [[gnu::noinline]] int lie(const char* why) {
    const int result = nanosleep(&left_, nullptr);
    asm volatile("" : : "r"(why) : "memory");
    return result + 3;
  }

 private:
  timespec left_;
};

template <typename Where>
[[gnu::always_inline]] inline int lie_in(Where& where) {
  const int result = where.lie("a test");
  asm volatile("" ::: "memory");
  return result + 4;
}

}  // namespace sleeper

extern "C" int pghang_lie_down(int seconds) {
  sleeper::Bed bed(seconds);
  const int result = sleeper::lie_in(bed);
  asm volatile("" ::: "memory");
  return result + 5;
}
