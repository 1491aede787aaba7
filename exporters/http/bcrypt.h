#pragma once

#include <string>

namespace pghang {

/// Whether `password` is the one of a bcrypt hash (`$2a$`, `$2b$`, `$2y$`; crypt(5)). Computes for
/// as long as the hash's cost says: 70 ms at 10, twice that with each step. Any thread.
[[nodiscard]] bool bcrypt_matches(const std::string& password, const std::string& hash);

}  // namespace pghang
