#pragma once

#include "collectors/evidence/capture.h"

namespace pghang {

/// The suspect of the cluster that writes or flushes WAL and does not get done: its system call is
/// on a file below pg_wal. Null where there is none.
[[nodiscard]] const ClusterProcess* wal_writer_of(const Capture& capture);

}  // namespace pghang
