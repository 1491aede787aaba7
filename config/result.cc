#include "config/result.h"

#include <cstdio>
#include <cstdlib>

namespace pghang {

void throw_exception_from_error(const Error& error, const boost::source_location& at) {
  std::fprintf(
      stderr,
      "pghangd: unchecked error at %s:%u: %s: %s\n",
      at.file_name(),
      static_cast<unsigned>(at.line()),
      to_string(error.code),
      error.context.c_str()
  );
  std::abort();
}

}  // namespace pghang
