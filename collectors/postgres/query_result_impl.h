#pragma once

#include <string>
#include <vector>

#include "collectors/postgres/connection.h"
#include "collectors/postgres/libpq_handles.h"

namespace pghang {

struct QueryResult::Impl {
  PgResult result;
  std::vector<std::string> notices;
};

}  // namespace pghang
