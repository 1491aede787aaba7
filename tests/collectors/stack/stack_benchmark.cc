// Usage: stack_benchmark PID [ROUNDS]
//
// CPU time of capture and unwind with a warm module cache. Budget: 1 ms together (DESIGN section
// 9).

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <iostream>

#include "tests/collectors/stack/take.h"

namespace pghang::test {
namespace {

double cpu_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  constexpr double micro = 1e6;
  constexpr double nanos_per_micro = 1e3;
  return static_cast<double>(now.tv_sec) * micro +
         static_cast<double>(now.tv_nsec) / nanos_per_micro;
}

/// One column of the table.
class Series {
 public:
  explicit Series(std::string name) : name_(std::move(name)) {}

  void add(double value) { values_.push_back(value); }

  void print() {
    std::sort(values_.begin(), values_.end());
    std::cout << std::left << std::setw(20) << name_ << std::right << std::fixed
              << std::setprecision(1) << " p50 " << std::setw(8) << values_[values_.size() / 2]
              << "  p99 " << std::setw(8) << values_[values_.size() * 99 / 100] << '\n';
  }

 private:
  std::string name_;
  std::vector<double> values_;
};

int run(pid_t pid, int rounds) {
  const double start = cpu_micros();
  ModuleCache cache;
  cache.load(pid, mappings_of(pid));
  std::cout << "cold module load, us CPU: " << cpu_micros() - start << '\n';

  constexpr std::chrono::milliseconds deadline{50};
  Series maps("mappings, us CPU");
  Series capture("capture, us CPU");
  Series unwinding("unwind, us CPU");
  Series total("all, us CPU");
  Series held("held, us");
  std::size_t frames = 0;
  std::uint32_t torn = 0;
  for (int i = 0; i < rounds; ++i) {
    const double t0 = cpu_micros();
    const auto mappings = mappings_of(pid);
    const double t1 = cpu_micros();
    auto snapshot = capture_in_place(ProcFs(), key_of(pid), mappings, torn);
    if (!snapshot) {
      snapshot = capture_ptrace_stop(ProcFs(), key_of(pid), mappings, deadline, {});
    }
    const double t2 = cpu_micros();
    if (!snapshot) continue;
    snapshot->mappings = mappings;
    const StackTrace trace = unwind(*snapshot, cache);
    const double t3 = cpu_micros();
    maps.add(t1 - t0);
    capture.add(t2 - t1);
    unwinding.add(t3 - t2);
    total.add(t3 - t0);
    held.add(snapshot->held_micros);
    frames = trace.frames.size() + trace.omitted;
  }
  if (frames == 0) {
    std::cerr << "no capture succeeded\n";
    return 1;
  }
  std::cout << "frames: " << frames << '\n';
  for (Series* series : {&maps, &capture, &unwinding, &total, &held})
    series->print();
  return 0;
}

}  // namespace
}  // namespace pghang::test

int main(int argc, char** argv) {
  constexpr int usage_error = 64;
  constexpr int decimal = 10;
  constexpr int default_rounds = 200;
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: stack_benchmark PID [ROUNDS]\n";
    return usage_error;
  }
  const auto pid = static_cast<pid_t>(std::strtol(argv[1], nullptr, decimal));
  const int rounds =
      argc == 3 ? static_cast<int>(std::strtol(argv[2], nullptr, decimal)) : default_rounds;
  return pghang::test::run(pid, rounds);
}
