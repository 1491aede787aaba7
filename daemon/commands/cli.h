#pragma once

namespace pghang {

/// Parses the command line and runs the command. Returns the exit code; 64 for bad usage.
[[nodiscard]] int run_cli(int argc, char** argv);

}  // namespace pghang
