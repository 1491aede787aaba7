#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "config/result.h"

namespace pghang::sampler {

/// What came of a capture child.
struct ForkedResult {
  Result<std::string> output;  ///< errors: timeout, io (it died, or could not be forked)
  double cpu_micros = 0;
  bool stuck = false;  ///< it was sent SIGKILL and has not died
};

/// Runs `body` in a forked process and returns what it returned. The process says its pid on
/// `keeper_socket` first (TouchingNotice), dies with this one, and is sent SIGKILL at `kill_at`;
/// for its death this waits until `give_up_at`. An output of more than `limit` bytes is an error.
[[nodiscard]] ForkedResult run_forked(
    const std::function<std::string()>& body,
    int keeper_socket,
    std::size_t limit,
    std::chrono::steady_clock::time_point kill_at,
    std::chrono::steady_clock::time_point give_up_at
);

}  // namespace pghang::sampler
