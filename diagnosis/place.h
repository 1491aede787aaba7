#pragma once

#include <string>

#include "collectors/evidence/evidence.h"
#include "diagnosis/facts.h"

namespace pghang {

/// Where a backend is, in words for a sentence. Only what the evidence shows.
struct Place {
  std::string call;      ///< `openat("/x/fifo")`, `read(0)`; else the innermost libc function or
                         ///< kernel function; empty on CPU or when nothing is known
  std::string function;  ///< innermost named function of PostgreSQL that is not a mere wait
  std::string modules;   ///< libraries under PostgreSQL: `plpython3.so → libpython3.11.so.1.0`
  std::string phrase;    ///< `waits in openat("/x/fifo"), called from BeginCopyFrom`
};

[[nodiscard]] Place place_of(const Evidence& evidence, const Facts& facts);

/// `openat("/x/fifo")`, `read(0)`, `epoll_wait(270)`, `clock_nanosleep()`.
[[nodiscard]] std::string short_call(const Syscall& syscall);

}  // namespace pghang
