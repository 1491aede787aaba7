#include "diagnosis/time_in_call.h"

namespace pghang {
namespace {

/// On CPU, no switch tells that it went on.
bool asleep(const Sample& sample) {
  return sample.state != ProcessState::running && sample.state != ProcessState::unknown;
}

bool unmoved(const Sample& before, const Sample& after) {
  return asleep(before) && asleep(after) && before.at_micros < after.at_micros &&
         before.voluntary_switches == after.voluntary_switches &&
         before.involuntary_switches == after.involuntary_switches;
}

bool same_call(const Capture& one, const Capture& other) {
  return one.syscall && other.syscall && one.syscall->number == other.syscall->number &&
         one.syscall->text == other.syscall->text;
}

}  // namespace

void extend_time_in_call(const Capture& earlier, Capture& later) {
  if (earlier.key != later.key || earlier.samples.empty() || later.samples.empty()) return;
  const Sample& before = earlier.samples.back();
  const Sample& after = later.samples.back();
  if (!same_call(earlier, later) || !unmoved(before, after)) return;
  later.syscall->at_least_seconds = earlier.syscall->at_least_seconds +
                                    static_cast<double>(after.at_micros - before.at_micros) / 1e6;
  later.syscall->at_least_source = kFromCounters;
}

}  // namespace pghang
