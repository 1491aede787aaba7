#pragma once

#include <cstdlib>
#include <string>
#include <utility>

namespace pghang::tests {

/// An environment variable for the life of this object. Tests run one at a time, and none of the
/// threads that a Connection starts is left by then.
class ScopedVariable {
 public:
  ScopedVariable(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): see above
  }

  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

  ~ScopedVariable() {
    unsetenv(name_.c_str());  // NOLINT(concurrency-mt-unsafe): see above
  }

 private:
  std::string name_;
};

}  // namespace pghang::tests
