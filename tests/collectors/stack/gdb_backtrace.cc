#include "tests/collectors/stack/gdb_backtrace.h"

#include <fcntl.h>

#include <cstdio>
#include <memory>
#include <regex>

#include "collectors/stack/elf_module.h"
#include "config/unique_fd.h"
#include "tests/collectors/stack/take.h"

namespace pghang::test {

namespace {

/// gdb writes `name (arguments…) at file`, and `name(types) () from file` for a C++ symbol without
/// DWARF.
bool is_named(const std::string& gdb, const std::string& name) {
  return gdb.rfind(name + " (", 0) == 0;
}

bool same_name(const std::string& gdb, const Frame& frame) {
  if (frame.kind == FrameKind::signal) return gdb.rfind("<signal handler called>", 0) == 0;
  if (!frame.function) return false;
  if (is_named(gdb, *frame.function)) return true;
  if (!frame.demangled) return false;
  return is_named(gdb, *frame.demangled) ||
         is_named(gdb, frame.demangled->substr(0, frame.demangled->find('(')));
}

/// An exported name is shown where gdb, with debug files, may show another one of that function.
bool is_alias(const std::string& gdb, const Frame& frame) {
  if (!frame.exported) return false;
  const UniqueFd fd(::open(frame.module.c_str(), O_RDONLY | O_CLOEXEC));
  const auto module = ElfModule::open(fd.get(), places_of("/usr/lib/debug"));
  if (!module) return false;
  const auto symbol = (*module)->function_at(frame.offset - 1);
  return symbol && (*module)->exports(gdb.substr(0, gdb.find(' ')), symbol->value);
}

}  // namespace

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  constexpr std::size_t chunk_size = 4096;
  std::string chunk(chunk_size, '\0');
  while (pipe != nullptr) {
    const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe.get());
    if (got == 0) break;
    text.append(chunk, 0, got);
  }
  return text;
}

std::vector<std::string> gdb_backtrace(pid_t pid, bool debug_files) {
  // With DWARF gdb also shows frames that do not exist: inlined functions and functions that were
  // left by a tail call. The types tell which those are, one line for each frame.
  const std::string types =
      "-ex 'python\nf = gdb.newest_frame()\nwhile f:\n"
      "  print(\"@real\" if f.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME) else "
      "\"@made\")\n  f = f.older()\n' ";
  const std::string text = output_of(
      std::string("DEBUGINFOD_URLS= gdb -nx -batch ") +
      (debug_files ? "" : "-iex 'set debug-file-directory /nonexistent' ") +
      "-iex 'set width 0' -ex bt " + types + "-p " + std::to_string(pid) + " 2>/dev/null"
  );
  std::vector<bool> real;
  const std::regex type("@(real|made)");
  for (std::sregex_iterator match(text.begin(), text.end(), type), end; match != end; ++match)
    real.push_back((*match)[1] == "real");
  std::vector<std::string> frames;
  const std::regex line("(?:^|\n)#[0-9]+ +(?:0x[0-9a-f]+ in )?([^\n]*)");
  std::size_t index = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), line), end; match != end; ++match) {
    if (index < real.size() && real[index]) frames.push_back((*match)[1]);
    ++index;
  }
  return frames;
}

std::string
differences(const StackTrace& trace, const std::vector<std::string>& gdb, std::size_t& compared) {
  std::string text;
  compared = 0;
  if (gdb.empty()) text += "gdb shows no stack\n";
  if (trace.frames.size() < gdb.size()) {
    text += "gdb shows " + std::to_string(gdb.size()) + " frames, the trace has " +
            std::to_string(trace.frames.size()) + ": " + trace.stop_reason + "\n";
  }
  for (std::size_t i = 0; i < gdb.size() && i < trace.frames.size(); ++i) {
    if (gdb[i].rfind("?? ", 0) == 0) continue;
    ++compared;
    if (same_name(gdb[i], trace.frames[i]) || is_alias(gdb[i], trace.frames[i])) continue;
    text += "#" + std::to_string(i) + " gdb: " + gdb[i] +
            "\n   ours: " + trace.frames[i].function.value_or("(none)") + "\n";
  }
  return text;
}

}  // namespace pghang::test
