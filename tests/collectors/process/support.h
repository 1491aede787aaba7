#pragma once

#include <sys/types.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "collectors/evidence/capture.h"
#include "collectors/process/procfs.h"
#include "collectors/process/target_memory.h"

namespace pghang::testing {

/// Whether /proc/self/mountinfo has the root: in a plain chroot it does not, and files have no
/// mount.
[[nodiscard]] bool root_is_mounted();
inline constexpr const char* kRootNotMounted =
    "the root is no mount point (a chroot into a plain folder), so no mount is to be found";

/// A folder that goes with the test.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A tree of files that looks like /proc.
class FakeProc {
 public:
  /// `name` is a path below the root: `4711/stat`, `self/status`.
  void write(const std::string& name, std::string_view text) const;
  void link(const std::string& name, const std::string& target) const;
  void make_directory(const std::string& name) const;

  /// Its /sys is the folder `sys` in it.
  [[nodiscard]] ProcFs proc() const {
    return ProcFs(dir_.path().string(), (dir_.path() / "sys").string());
  }

  [[nodiscard]] const std::filesystem::path& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

/// Bytes at chosen addresses; everything else is unmapped.
class FakeMemory final : public TargetMemory {
 public:
  [[nodiscard]] Result<std::size_t> read(std::uint64_t address, std::span<std::byte> out)
      const override;

  void put(std::uint64_t address, std::string_view bytes) { ranges_[address] = bytes; }

  template <typename T>
  void put_value(std::uint64_t address, const T& value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    ranges_[address] = bytes;
  }

  /// Every read fails with it.
  void fail(Error error) { failure_ = std::move(error); }

 private:
  std::map<std::uint64_t, std::string> ranges_;
  std::optional<Error> failure_;
};

/// A child of the test. It ends with the test, stopped or not.
class ChildProcess {
 public:
  /// Runs `body`, then leaves with status 0.
  explicit ChildProcess(const std::function<void()>& body);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Ends it and takes its status, so that the pid is gone.
  void end();

 private:
  pid_t pid_;
};

/// Asks until it holds; false after ten seconds.
[[nodiscard]] bool eventually(const std::function<bool()>& holds);

/// Until the process waits in the call `name`.
[[nodiscard]] bool blocks_in(pid_t pid, const std::string& name);

[[nodiscard]] const Missing* find_missing(const Capture& capture, const std::string& evidence);

}  // namespace pghang::testing
