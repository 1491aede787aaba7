#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/evidence/evidence.h"
#include "config/signatures.h"

namespace pghang {

/// What a signature is held against: evidence, reduced. What is not known is absent, and then does
/// not speak against a signature that has something else to go by.
struct SignatureSubject {
  std::vector<std::string> names;         ///< exported_names(), innermost first
  std::vector<std::string> modules;       ///< file names of what the server last called out to
  std::optional<std::string> wait_event;  ///< `IPC/BtreePage`; empty: it waits for nothing
  std::string backend_type;               ///< empty: not known
  std::string cause;                      ///< of the verdict; empty: not known
  std::string gate;
  std::optional<PgVersion> version;
  std::optional<int> major;  ///< from `version`, else from where the server is installed
};

/// Cause and gate are left empty: they are the verdict's.
[[nodiscard]] SignatureSubject subject_of(const Evidence& evidence);

/// A stack alone.
[[nodiscard]] SignatureSubject subject_of(const StackTrace& stack);

/// A stack as pstack or gdb print it (`#1  0x753c35 in WaitEventSetWait () from /lib/x.so`), or as
/// the fixtures have it (`#1 WaitEventSetWait in /usr/bin/postgres +0x1`); other lines are passed
/// over. Nothing when there is no frame in it. Every name counts as exported.
[[nodiscard]] std::optional<StackTrace> parse_stack_text(std::string_view text);

/// 15 of `/usr/lib/postgresql/15/bin/postgres` and `/usr/pgsql-15/bin/postgres`.
[[nodiscard]] std::optional<int> major_of_path(std::string_view path);

}  // namespace pghang
