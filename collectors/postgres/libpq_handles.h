#pragma once

#include <memory>

#include <libpq-fe.h>

/// Owners of what libpq allocates.
namespace pghang {

template <auto Free>
struct FreedBy {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

using PgConnection = std::unique_ptr<PGconn, FreedBy<PQfinish>>;
using PgResult = std::unique_ptr<PGresult, FreedBy<PQclear>>;
using PgConninfo = std::unique_ptr<PQconninfoOption, FreedBy<PQconninfoFree>>;

}  // namespace pghang
