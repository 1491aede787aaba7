#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "config/unique_fd.h"

namespace pghang {

/// One entry in the journal's native protocol (systemd's JOURNAL_NATIVE_PROTOCOL): MESSAGE,
/// PRIORITY, SYSLOG_IDENTIFIER, PGHANGD_EVENT, and each field as PGHANGD_KEY, so that
/// `journalctl PGHANGD_PID=4711` finds them. Values may hold anything. Pure.
[[nodiscard]] std::string journal_entry(
    LogLevel level,
    std::string_view message,
    std::string_view event,
    const std::vector<std::pair<std::string, std::string>>& fields
);

/// Whether standard error is the journal's stream ($JOURNAL_STREAM): only then is what was written
/// there also found as an entry.
[[nodiscard]] bool stderr_is_the_journal();

/// The journal's socket.
class Journal {
 public:
  Journal();

  /// Blocks while the journal does not read: for the log's own thread only. An entry that is too
  /// large for a datagram is lost, false.
  [[nodiscard]] bool send(std::string_view entry) const;

 private:
  UniqueFd socket_;
};

}  // namespace pghang
