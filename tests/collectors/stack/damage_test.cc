#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "collectors/stack/debug_data.h"
#include "collectors/stack/elf_image.h"
#include "collectors/stack/unwinder.h"
#include "tests/collectors/stack/fixture.h"

/// Foreign bytes that are wrong make the result poorer. Meant for the asan build, where an access
/// outside a buffer ends the test.
namespace pghang::test {
namespace {

constexpr const char* kRecording = "python_sleep";
constexpr std::size_t kRounds = 40;
constexpr std::size_t kFlips = 200;

struct Recorded {
  StackSnapshot snapshot;
  std::map<std::string, std::string> files;  ///< by path as mapped
};

Recorded recorded() {
  const std::string folder = std::string(kFixtureRoot) + "/" + kRecording;
  Recorded all;
  all.snapshot = decode_snapshot(unpacked_file(folder + "/snapshot.xz")).value();
  for (const auto& [path, build_id] : module_list(folder))
    all.files[path] = unpacked_file(module_path(kFixtureRoot, build_id));
  return all;
}

/// Uses everything of a module that an unwind uses.
void exercise(const ElfModule& module) {
  constexpr std::uint64_t step = 0x1357;
  constexpr std::uint64_t last = 0x60'0000;
  for (std::uint64_t address = 0; address < last; address += step) {
    (void)module.function_at(address);
    (void)module.function_range(address);
    (void)module.import_of_stub(address);
    (void)module.in_plt(address);
    (void)module.bytes_at(address, 8);
    (void)module.address_of_offset(address);
  }
  (void)module.find("PostmasterPid");
}

void expect_sane(const StackTrace& trace) {
  EXPECT_LE(trace.frames.size(), kMaxFrames);
  EXPECT_TRUE(trace.complete || !trace.stop_reason.empty());
}

/// Offsets of bytes that are not zero: in a reduced file the others are of no interest.
std::vector<std::size_t> content(const std::string& file) {
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < file.size(); ++i)
    if (file[i] != '\0') offsets.push_back(i);
  return offsets;
}

void flip(std::string& bytes, const std::vector<std::size_t>& where, std::mt19937& random) {
  for (std::size_t i = 0; i < kFlips; ++i)
    bytes[where[random() % where.size()]] = static_cast<char>(random());
}

TEST(Damage, FlippedBytesOfAMadeUpModuleNeverCrash) {
  const std::string whole = build_elf({
      {"_start_of_all", 0x1000, call(0x1000, 0x1040) + '\xf4', outermost_cfi()},
      {"outer", 0x1040, "\x55\x48\x89\xe5" + call(0x1044, 0x10c0) + '\xc3', frame_pointer_cfi()},
      {"leaf", 0x10c0, std::string(8, '\x90'), ""},
  });
  const std::vector<std::size_t> where = content(whole);
  const StackSnapshot snapshot =
      in_place_snapshot(0x10c4, {kBias + 0x1049, kStackStart + 16, kBias + 0x1005, 0});
  constexpr unsigned seeds = 4000;
  constexpr std::size_t few = 4;
  std::size_t poorer = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    std::mt19937 random(seed);
    std::string bytes = whole;
    for (std::size_t i = 0; i < few; ++i)
      bytes[where[random() % where.size()]] = static_cast<char>(random());
    const auto module = ElfModule::parse(bytes);
    MapModules modules;
    if (module) modules.add("/made/up.so", *module);
    const StackTrace trace = unwind(snapshot, modules);
    expect_sane(trace);
    poorer += trace.complete ? 0 : 1;
  }
  EXPECT_GT(poorer, seeds / 100);
}

TEST(Damage, FlippedBytesOfRealModulesNeverCrash) {
  const Recorded all = recorded();
  for (const auto& [path, file] : all.files) {
    const std::vector<std::size_t> where = content(file);
    for (unsigned seed = 0; seed < kRounds / all.files.size(); ++seed) {
      std::mt19937 random(seed);
      std::string bytes = file;
      flip(bytes, where, random);
      // The first pages hold what everything else is found by.
      bytes[random() % 0x400] = static_cast<char>(random());
      MapModules modules;
      for (const auto& [other_path, other] : all.files) {
        const auto module = ElfModule::parse(other_path == path ? bytes : other);
        if (!module) continue;
        if (other_path == path) exercise(**module);
        modules.add(other_path, *module);
      }
      expect_sane(unwind(all.snapshot, modules));
    }
  }
}

TEST(Damage, CutModulesNeverCrash) {
  const std::string whole = build_elf({{"f", 0x1000, std::string(8, '\x90'), ""}});
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const auto module = ElfModule::parse(whole.substr(0, size));
    if (!module) continue;
    exercise(**module);
    MapModules modules("/made/up.so", *module);
    expect_sane(unwind(in_place_snapshot(0x1004, {1, 2, 3}), modules));
  }
}

TEST(Damage, FlippedBytesOfAStackNeverCrash) {
  const Recorded all = recorded();
  MapModules modules;
  for (const auto& [path, file] : all.files)
    modules.add(path, ElfModule::parse(file).value());
  for (unsigned seed = 0; seed < 4 * kRounds; ++seed) {
    std::mt19937 random(seed);
    StackSnapshot snapshot = all.snapshot;
    for (std::size_t i = 0; i < kFlips; ++i)
      snapshot.stack[random() % snapshot.stack.size()] = static_cast<char>(random());
    if (seed % 4 == 0) snapshot.registers[kRegisterRsp] = snapshot.stack_start + random() % 9000;
    expect_sane(unwind(snapshot, modules));
  }
}

TEST(Damage, MappingsThatMakeNoSenseNeverCrash) {
  const Recorded all = recorded();
  MapModules modules;
  for (const auto& [path, file] : all.files)
    modules.add(path, ElfModule::parse(file).value());
  for (unsigned seed = 0; seed < kRounds; ++seed) {
    std::mt19937_64 random(seed);
    StackSnapshot snapshot = all.snapshot;
    for (Mapping& mapping : snapshot.mappings) {
      if (random() % 4 == 0) mapping.start += random() % 0x20000;
      if (random() % 4 == 0) mapping.offset = random();
      if (random() % 8 == 0) mapping.end = random();
    }
    if (seed % 3 == 0) std::shuffle(snapshot.mappings.begin(), snapshot.mappings.end(), random);
    if (seed % 5 == 0) snapshot.stack_start = ~std::uint64_t{0} - random() % 100;
    expect_sane(unwind(snapshot, modules));
  }
}

/// The recording with one module's section changed.
StackTrace with_section(
    const Recorded& all,
    const std::string& changed,
    const char* name,
    const std::function<void(std::string& file, std::uint64_t offset, std::uint64_t size)>& change
) {
  MapModules modules;
  for (const auto& [path, file] : all.files) {
    std::string bytes = file;
    if (path == changed) {
      const auto image = ElfImage::parse(file).value();
      const Elf64_Shdr* section = image.section(name);
      if (section != nullptr) change(bytes, section->sh_offset, section->sh_size);
    }
    modules.add(path, ElfModule::parse(bytes).value());
  }
  return unwind(all.snapshot, modules);
}

bool begins_like(const StackTrace& part, const StackTrace& whole) {
  if (part.frames.size() > whole.frames.size()) return false;
  for (std::size_t i = 0; i < part.frames.size(); ++i)
    if (part.frames[i].address != whole.frames[i].address) return false;
  return true;
}

TEST(RecordedTables, ThatAreCutEndTheStackWhereTheyAreMissing) {
  const Recorded all = recorded();
  const auto intact = with_section(all, "", "", {});
  ASSERT_TRUE(intact.complete) << intact.stop_reason;
  std::size_t cut_short = 0;
  for (const auto& [path, file] : all.files) {
    for (const char* section : {".eh_frame", ".eh_frame_hdr"}) {
      const auto trace = with_section(all, path, section, [](auto& bytes, auto offset, auto size) {
        bytes.replace(offset + size / 64, size - size / 64, size - size / 64, '\0');
      });
      EXPECT_TRUE(begins_like(trace, intact)) << path << section;
      if (trace.complete) continue;
      ++cut_short;
      EXPECT_LT(trace.frames.size(), intact.frames.size());
      EXPECT_NE(trace.stop_reason.find(path), std::string::npos) << trace.stop_reason;
    }
  }
  EXPECT_GE(cut_short, all.files.size()) << "every module has a frame, which needs its tables";
}

TEST(RecordedTables, ThatAreCorruptEndTheStackWithAReason) {
  const Recorded all = recorded();
  std::size_t ended = 0;
  for (const auto& [path, file] : all.files) {
    const auto trace =
        with_section(all, path, ".eh_frame", [](auto& bytes, auto offset, auto size) {
          // 0x2f is no call frame instruction that there is.
          for (std::uint64_t i = 24; i < size; ++i)
            if (i % 8 != 0) bytes[offset + i] = '\x2f';
        });
    expect_sane(trace);
    ended += trace.complete ? 0 : 1;
  }
  EXPECT_EQ(ended, all.files.size());
}

TEST(Damage, BrokenXzIsRefused) {
  const std::string packed =
      file_text(std::string(kFixtureRoot) + "/" + kRecording + "/snapshot.xz");
  ASSERT_TRUE(unpack_xz(packed));
  EXPECT_FALSE(unpack_xz(""));
  EXPECT_FALSE(unpack_xz("not xz at all, but long enough for a header"));
  EXPECT_FALSE(unpack_xz(std::string_view(packed).substr(0, packed.size() / 2)));
  std::string flipped = packed;
  flipped[flipped.size() / 2] = static_cast<char>(~flipped[flipped.size() / 2]);
  EXPECT_FALSE(unpack_xz(flipped));
}

}  // namespace
}  // namespace pghang::test
