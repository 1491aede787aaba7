// Usage: stack_fixture_recorder PID DIR
//
// Saves the stack of a process as DIR/snapshot.xz and DIR/modules.txt, and adds what unwinding it
// needs of each module to DIR/../modules. See tests/fixtures/README.md.

#include <sys/auxv.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <utility>

#include "collectors/stack/address_layout.h"
#include "collectors/stack/elf_image.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/collectors/stack/take.h"

namespace pghang::test {
namespace {

/// A copy of a file in which only what was asked for is not zero.
class ReducedFile {
 public:
  ReducedFile(const std::string& file, std::string already)
      : file_(file),
        kept_(std::move(already)) {
    kept_.resize(file.size(), '\0');
  }

  void keep(std::uint64_t offset, std::uint64_t size) {
    if (offset >= file_.size()) return;
    kept_.replace(offset, size, file_, offset, size);
  }

  [[nodiscard]] const std::string& bytes() const { return kept_; }

 private:
  const std::string& file_;
  std::string kept_;
};

bool is_table(std::string_view section) {
  static const std::set<std::string_view> kTables{
      ".shstrtab",
      ".dynsym",
      ".dynstr",
      ".gnu.version",
      ".rela.plt",
      ".plt",
      ".plt.got",
      ".eh_frame",
      ".eh_frame_hdr",
      ".plt.sec",
      ".gnu_debugdata"};
  return kTables.contains(section);
}

void keep_tables(ReducedFile& reduced, const ElfImage& image, const std::string& file) {
  const auto header = record_at<Elf64_Ehdr>(file, 0).value();
  reduced.keep(0, sizeof header);
  reduced.keep(header.e_phoff, sizeof(Elf64_Phdr) * header.e_phnum);
  reduced.keep(header.e_shoff, sizeof(Elf64_Shdr) * header.e_shnum);
  for (const Elf64_Phdr& segment : image.segments())
    if (segment.p_type == PT_NOTE) reduced.keep(segment.p_offset, segment.p_filesz);
  for (const Elf64_Shdr& section : image.sections()) {
    if (section.sh_type != SHT_NOBITS && is_table(image.section_name(section))) {
      reduced.keep(section.sh_offset, section.sh_size);
    }
  }
}

/// Everything of the code that unwinding may look at: the functions on the stack, and the call
/// instructions before whatever on the stack looks like a return address.
void keep_code(
    ReducedFile& reduced,
    const Mapping& mapping,
    const AddressLayout& layout,
    const StackTrace& trace,
    const StackSnapshot& snapshot
) {
  const auto keep_at = [&](std::uint64_t address, std::uint64_t size) {
    if (mapping.contains(address)) reduced.keep(address - mapping.start + mapping.offset, size);
  };
  for (const Frame& frame : trace.frames) {
    if (!mapping.contains(frame.address)) continue;
    const CodePlace place = layout.at(frame.address);
    const auto range = place.module->function_range(frame.address - 1 - place.bias);
    if (range) keep_at(place.bias + range->start, range->end - range->start);
  }
  constexpr std::uint64_t call_size = 8;
  for (std::uint64_t slot = snapshot.stack_start; const auto word = layout.stack_word(slot);
       slot += sizeof *word) {
    keep_at(*word - call_size, call_size);
  }
}

/// Writes `bytes` through xz(1).
bool write_packed(const std::string& path, const std::string& bytes) {
  const std::string command = "xz -9e -c > '" + path + "'";
  FILE* pipe = ::popen(command.c_str(), "w");
  if (pipe == nullptr) return false;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), pipe) == bytes.size();
  return ::pclose(pipe) == 0 && written;
}

/// By what is mapped, not by its name: the file may have been replaced.
std::string mapped_file(pid_t pid, const Mapping& mapping) {
  if (mapping.path == "[vdso]") {
    const auto* start = reinterpret_cast<const char*>(::getauxval(AT_SYSINFO_EHDR));
    return {start, mapping.end - mapping.start};
  }
  char range[64];
  std::snprintf(range, sizeof range, "%lx-%lx", mapping.start, mapping.end);
  return file_text("/proc/" + std::to_string(pid) + "/map_files/" + range);
}

bool record(pid_t pid, const std::string& folder) {
  const auto snapshot = take(pid);
  if (!snapshot) {
    std::cerr << snapshot.error().context << '\n';
    return false;
  }
  ModuleCache cache;
  cache.load(pid, snapshot->mappings);
  const StackTrace trace = unwind(*snapshot, cache);
  const AddressLayout layout(*snapshot, cache);
  const std::string root = std::filesystem::path(folder).parent_path().string();
  std::filesystem::create_directories(folder);
  std::filesystem::create_directories(root + "/modules");

  std::set<std::string> used;
  for (const Frame& frame : trace.frames)
    used.insert(frame.module);
  std::string list;
  for (const Mapping& mapping : snapshot->mappings) {
    if (!mapping.executable || !used.contains(mapping.path)) continue;
    const std::string file = mapped_file(pid, mapping);
    const auto image = ElfImage::parse(file);
    if (!image) continue;
    const std::string path = module_path(root, image->build_id());
    ReducedFile reduced(file, unpacked_file(path));
    keep_tables(reduced, *image, file);
    keep_code(reduced, mapping, layout, trace, *snapshot);
    if (!write_packed(path, reduced.bytes())) return false;
    list += image->build_id() + ' ' + mapping.path + '\n';
  }
  std::cout << to_text(trace);
  return write_file(folder + "/modules.txt", list) &&
         write_packed(folder + "/snapshot.xz", encode_snapshot(*snapshot));
}

}  // namespace
}  // namespace pghang::test

int main(int argc, char** argv) {
  constexpr int arguments = 3;
  constexpr int usage_error = 64;
  if (argc != arguments) {
    std::cerr << "usage: stack_fixture_recorder PID DIR\n";
    return usage_error;
  }
  constexpr int decimal = 10;
  const auto pid = static_cast<pid_t>(std::strtol(argv[1], nullptr, decimal));
  return pghang::test::record(pid, argv[2]) ? 0 : 1;
}
