#include "daemon/service/service_folder.h"

#include <cstdlib>

namespace pghang {

std::string service_folder(const char* variable) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment
  const char* folders = std::getenv(variable);
  if (folders == nullptr || *folders != '/') return "";
  // systemd.exec(5): several are separated by colons.
  const std::string all = folders;
  return all.substr(0, all.find(':'));
}

}  // namespace pghang
