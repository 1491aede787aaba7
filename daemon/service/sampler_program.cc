#include "daemon/service/sampler_program.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

namespace pghang {

std::string find_sampler_program(const std::string& asked) {
  if (!asked.empty()) return asked;
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::vector<fs::path> places{
      here / "pghangd-sampler",
      here / ".." / "libexec" / "pghangd" / "pghangd-sampler",
      // In the build tree.
      here / ".." / "collectors" / "sampler" / "pghangd-sampler",
  };
  for (const fs::path& place : places) {
    if (access(place.c_str(), X_OK) == 0) return fs::weakly_canonical(place, error).string();
  }
  return places.front().string();
}

}  // namespace pghang
