#include "diagnosis/movement.h"

#include <algorithm>
#include <map>

namespace pghang {
namespace {

std::uint64_t growth(std::uint64_t from, std::uint64_t to) {
  return to > from ? to - from : 0;
}

void count_stacks(const std::vector<Sample>& samples, Movement& movement) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const Sample& sample : samples) {
    if (sample.held_micros > 0) ++movement.stops;
    movement.held_micros += sample.held_micros;
    if (sample.stack_id == 0) continue;
    ++movement.stacks;
    movement.same = std::max(movement.same, ++counts[sample.stack_id]);
  }
  movement.distinct = counts.size();
}

}  // namespace

Movement movement_of(const std::vector<Sample>& samples) {
  Movement movement;
  movement.samples = samples.size();
  count_stacks(samples, movement);
  if (samples.empty()) return movement;
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  movement.cpu_nanos = growth(first.cpu_nanos, last.cpu_nanos);
  movement.switches = growth(first.voluntary_switches, last.voluntary_switches) +
                      growth(first.involuntary_switches, last.involuntary_switches);
  if (!first.io || !last.io) return movement;
  movement.read_bytes = std::max(
      growth(first.io->rchar, last.io->rchar),
      growth(first.io->read_bytes, last.io->read_bytes)
  );
  movement.write_bytes = std::max(
      growth(first.io->wchar, last.io->wchar),
      growth(first.io->write_bytes, last.io->write_bytes)
  );
  return movement;
}

}  // namespace pghang
