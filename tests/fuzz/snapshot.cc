#include <iterator>

#include "collectors/stack/unwinder.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

constexpr std::array kRecordings{"copy_from_fifo", "pg_sleep", "python_sleep", "python_loop"};
constexpr std::size_t kWord = 8;

/// Read once: what a worker has warm.
struct Recorded {
  std::vector<StackSnapshot> snapshots;
  test::MapModules modules;

  Recorded() {
    for (const char* name : kRecordings) {
      const std::string folder = std::string(test::kFixtureRoot) + "/" + name;
      snapshots.push_back(decode_snapshot(test::unpacked_file(folder + "/snapshot.xz")).value());
      for (const auto& [path, build_id] : test::module_list(folder)) {
        const std::string bytes =
            test::unpacked_file(test::module_path(test::kFixtureRoot, build_id));
        modules.add(path, ElfModule::parse(bytes).value());
      }
    }
  }
};

const Recorded& recorded() {
  static const Recorded kAll;
  return kAll;
}

/// An address that means something in the snapshot, or any number.
std::uint64_t address(Input& input, const StackSnapshot& snapshot) {
  const auto kind = input.number<std::uint8_t>();
  if (kind % 4 == 0) return input.number<std::uint64_t>();
  if (kind % 4 == 1) return snapshot.stack_start + input.number<std::uint16_t>() * kWord;
  if (snapshot.mappings.empty()) return 0;
  const Mapping& mapping = snapshot.mappings[input.below(snapshot.mappings.size())];
  return mapping.start + input.number<std::uint32_t>() % 0x80'0000;
}

void change_mapping(Input& input, StackSnapshot& snapshot) {
  if (snapshot.mappings.empty()) return;
  Mapping& mapping = snapshot.mappings[input.below(snapshot.mappings.size())];
  switch (input.number<std::uint8_t>() % 6) {
    case 0: mapping.start += input.number<std::uint32_t>() - 0x8000'0000ULL; break;
    case 1: mapping.end = address(input, snapshot); break;
    case 2: mapping.offset = input.number<std::uint64_t>(); break;
    case 3: mapping.executable = !mapping.executable; break;
    case 4: mapping.path = snapshot.mappings[input.below(snapshot.mappings.size())].path; break;
    default: std::swap(mapping, snapshot.mappings[input.below(snapshot.mappings.size())]); break;
  }
}

void change(Input& input, StackSnapshot& snapshot) {
  switch (input.number<std::uint8_t>() % 8) {
    case 0: snapshot.registers[input.below(kRegisterCount)] = address(input, snapshot); break;
    case 1: snapshot.registers[input.below(kRegisterCount)].reset(); break;
    case 2: change_mapping(input, snapshot); break;
    case 3: snapshot.in_syscall = !snapshot.in_syscall; break;
    case 4:
      snapshot.stack.resize(input.below(snapshot.stack.size() + 1));
      input.get(snapshot.stack_truncated);
      break;
    case 5: snapshot.stack_start = address(input, snapshot); break;
    default: {
      const std::uint64_t word = address(input, snapshot);
      const std::size_t at = input.below(snapshot.stack.size() / kWord) * kWord;
      if (at + kWord <= snapshot.stack.size())
        std::memcpy(snapshot.stack.data() + at, &word, kWord);
    }
  }
}

void unwind_any(const StackSnapshot& snapshot) {
  const StackTrace trace = unwind(snapshot, recorded().modules);
  expect(trace.frames.size() <= kMaxFrames, "at most kMaxFrames frames");
  expect(trace.complete || !trace.stop_reason.empty(), "a partial stack says why");
}

}  // namespace

void snapshot(std::string_view bytes) {
  constexpr std::uint8_t as_they_are = 255;
  Input input(bytes);
  const auto base = input.number<std::uint8_t>();
  if (base == as_they_are) {
    const auto decoded = decode_snapshot(input.rest());
    if (decoded) unwind_any(*decoded);
    return;
  }
  StackSnapshot snapshot = recorded().snapshots[base % kRecordings.size()];
  while (!input.at_end())
    change(input, snapshot);
  const auto decoded = decode_snapshot(encode_snapshot(snapshot));
  expect(decoded && *decoded == snapshot, "an encoded snapshot decodes to itself");
  unwind_any(*decoded);
}

}  // namespace pghang::fuzz
