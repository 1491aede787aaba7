#pragma once

#include <optional>
#include <string>

#include "collectors/evidence/evidence.h"
#include "config/signatures.h"

namespace pghang {

/// `15.20`: as the server says itself, or without a connection as its executable says; empty where
/// neither is known.
[[nodiscard]] std::string server_version(const Evidence& evidence);

/// The same as numbers. A pre-release (`18beta1`) counts as minor 0.
[[nodiscard]] std::optional<PgVersion> server_release(const Evidence& evidence);

/// 15; 0 where it is not known.
[[nodiscard]] int server_major(const Evidence& evidence);

}  // namespace pghang
