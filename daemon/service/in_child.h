#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace pghang {

/// What `probe` returns (at most 64 KiB), from a process forked for it: what it asks of a file
/// system or a network may never come back. Nothing when it does not within `deadline`; it is then
/// left behind, holding none of our descriptors. Before any thread exists.
[[nodiscard]] std::optional<std::string>
in_child(const std::function<std::string()>& probe, std::chrono::milliseconds deadline);

}  // namespace pghang
