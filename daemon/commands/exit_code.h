#pragma once

namespace pghang {

/// What the commands exit with (DESIGN section 7; 64, 77 and 78 are those of sysexits.h).
enum class ExitCode {
  done = 0,
  partial = 1,  ///< a result with something missing, printed; for `run`: it could not go on
  no_result = 2,
  usage = 64,
  permission = 77,  ///< names the capability or role that is missing
  configuration = 78,
};

}  // namespace pghang
