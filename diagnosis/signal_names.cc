#include "diagnosis/signal_names.h"

#include <csignal>
#include <cstring>

#include "collectors/evidence/process.h"

namespace pghang {
namespace {

constexpr int kFirstRealTime = 32;  // the kernel's SIGRTMIN; libc keeps the first two for itself

}  // namespace

std::vector<std::string> signal_names(std::uint64_t set) {
  std::vector<std::string> names;
  for (int signal = 1; signal <= 64; ++signal) {
    if (!has_signal(set, signal)) continue;
    if (signal < kFirstRealTime) {
      names.push_back(std::string("SIG") + sigabbrev_np(signal));
    } else {
      const int offset = signal - kFirstRealTime;
      names.push_back(offset == 0 ? "SIGRTMIN" : "SIGRTMIN+" + std::to_string(offset));
    }
  }
  return names;
}

}  // namespace pghang
