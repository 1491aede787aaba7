#include "collectors/stack/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace pghang {

std::optional<std::string> demangle(const std::string& name) {
  if (!name.starts_with("_Z")) return std::nullopt;
  int status = 0;

  struct Free {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): __cxa_demangle allocates with malloc
    void operator()(char* text) const { std::free(text); }
  };

  const std::unique_ptr<char, Free> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status)
  );
  if (status != 0 || text == nullptr || name == text.get()) return std::nullopt;
  return std::string(text.get());
}

}  // namespace pghang
