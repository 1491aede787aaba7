#pragma once

namespace pghang {

/// ` (git 1a2b3c4d5e6f)`, with `+` after it where files differed from that commit; empty where the
/// source came without its history.
[[nodiscard]] const char* revision();

}  // namespace pghang
