#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/postgres/role_facts.h"
#include "config/loader.h"
#include "config/result.h"
#include "config/settings.h"

/// What `pghangd doctor` looked at, apart from what it makes of it (checks.h). Plain values.
namespace pghang::doctor {

/// The configuration file.
struct ConfigFacts {
  std::string file;        ///< empty: built-in defaults
  bool answered = true;    ///< false: its file system did not answer in time
  bool installed = false;  ///< there is one at kInstalledConfig
  unsigned mode = 0;       ///< permission bits; 0: not known
  std::vector<ConfigProblem> problems;
};

inline constexpr const char* kInstalledConfig = "/etc/pghangd/pghangd.yaml";

/// Who runs us, and what the sampler may.
struct PrivilegeFacts {
  uid_t uid = 0;
  std::string user;              ///< its name; the number where it has none
  std::optional<Error> sampler;  ///< why it does not run
  std::string sampler_program;
  std::uint64_t capabilities = 0;  ///< CapEff of the keeper: bit n is CAP number n
};

/// What the kernel lets one see of others. Absent: it has no such setting.
struct KernelFacts {
  std::optional<int> ptrace_scope;  ///< kernel.yama.ptrace_scope
  std::optional<int> kptr_restrict;
  std::optional<int> perf_event_paranoid;
  std::string mounts;  ///< /proc/self/mountinfo
};

struct LibraryFacts {
  int libpq_release = 0;   ///< of the one that is loaded
  std::string built_with;  ///< names and versions of all, as built
};

/// One of web.listen_addresses.
struct AddressFacts {
  std::string address;
  std::optional<Error> error;  ///< why it cannot be listened on
  bool ours = false;           ///< then: a pghangd answers there
};

/// A folder that pghangd writes to.
struct FolderFacts {
  std::string key;  ///< of the configuration: `bundle.directory`
  std::string path;
  bool answered = true;  ///< false: its file system did not answer in time
  std::string error;     ///< why it cannot be written to; empty: it can
  std::uint64_t free_bytes = 0;
};

/// The store's file, and the folder that it is in.
struct StoreFacts {
  std::string file;
  FolderFacts folder;
  bool by_systemd = false;  ///< the folder is its StateDirectory=, made when the service starts
  bool missing = false;     ///< the folder is not there; `folder.free_bytes` are of the one above
  std::string file_error;   ///< why the file, which is there, cannot be written to; empty: it can
};

/// One server.
struct TargetFacts {
  Target target;
  std::string shown_dsn;  ///< without its secrets
  std::chrono::milliseconds deadline{0};
  std::optional<Error> connect_error;
  int version_num = 0;
  pid_t libpq_backend_pid = 0;
  pid_t server_process = 0;          ///< the maker of its UNIX socket; 0 over TCP
  std::int64_t asked_at_micros = 0;  ///< our clock around the statement, unix epoch
  std::int64_t answered_at_micros = 0;
  Result<RoleFacts> role = Error{};
  Result<Capture> capture = Error{};  ///< of our own backend there
};

}  // namespace pghang::doctor
