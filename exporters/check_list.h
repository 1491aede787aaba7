#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// What `pghangd doctor` prints.
namespace pghang {

enum class Grade {
  ok,
  warn,  ///< works, but less well, or less safely, than it could
  fail,  ///< does not work
};

/// One thing that was looked at.
struct CheckLine {
  Grade grade = Grade::ok;
  std::string check;  ///< `config`, `capability CAP_SYS_PTRACE`, `main: role`, ...: what, in words
  std::string text;   ///< one line: what was found
  std::string fix;    ///< one line: what to do about it; empty where nothing is to be done

  friend bool operator==(const CheckLine&, const CheckLine&) = default;
};

using CheckList = std::vector<CheckLine>;

[[nodiscard]] std::size_t count(const CheckList& checks, Grade grade);

/// `GRADE  CHECK  TEXT; fix: FIX`, a line each, the failed ones as FAIL, and a last line of totals.
[[nodiscard]] std::string render_checks(const CheckList& checks);

/// The same as one object: `checks`, `failed`, `warned`; grades are `ok`, `warn` and `fail`.
[[nodiscard]] std::string checks_json(const CheckList& checks);

}  // namespace pghang
