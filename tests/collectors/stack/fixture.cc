#include "tests/collectors/stack/fixture.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "collectors/stack/debug_data.h"

namespace pghang::test {

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  return file.flush().good();
}

std::string module_path(const std::string& fixture_root, const std::string& build_id) {
  return fixture_root + "/modules/" + build_id + ".xz";
}

std::string unpacked_file(const std::string& path) {
  auto bytes = unpack_xz(file_text(path));
  return bytes ? *bytes : std::string();
}

std::map<std::string, std::string> module_list(const std::string& folder) {
  std::map<std::string, std::string> modules;
  std::istringstream lines(file_text(folder + "/modules.txt"));
  std::string build_id;
  std::string path;
  while (lines >> build_id >> std::ws && std::getline(lines, path))
    modules[path] = build_id;
  return modules;
}

std::string to_text(const StackTrace& trace) {
  std::ostringstream text;
  std::size_t number = 0;
  for (const Frame& frame : trace.frames) {
    text << '#' << number++ << ' ' << frame.function.value_or("?") << " in " << frame.module
         << std::hex << " +0x" << frame.offset << " fde 0x" << frame.fde_start << std::dec << ' '
         << to_string(frame.kind) << (frame.recovered ? " recovered" : "") << '\n';
  }
  text << to_string(trace.method) << ", "
       << (trace.complete ? "complete" : "stopped: " + trace.stop_reason) << '\n';
  return text.str();
}

}  // namespace pghang::test
