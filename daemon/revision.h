#pragma once

namespace pghang {

/// `1a2b3c4d5e6f`, a git commit, with `+` after it where files differed from that commit; empty
/// where the source came without its history.
[[nodiscard]] const char* revision();

}  // namespace pghang
