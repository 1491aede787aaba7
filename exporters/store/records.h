#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/identity.h"
#include "diagnosis/incident.h"

/// What the store holds. Times are microseconds since the unix epoch.
namespace pghang {

/// Where an escalation stands, for the next daemon.
struct StoredEscalation {
  std::string target;
  std::uint64_t sighting = 0;  ///< unique within a target
  std::string incident;        ///< its id; empty while it is only watched
  std::string server;          ///< system_identifier
  bool in_recovery = false;
  std::string boot;    ///< /proc/sys/kernel/random/boot_id when it was written
  std::string record;  ///< the daemon's own, opaque here

  friend bool operator==(const StoredEscalation&, const StoredEscalation&) = default;
};

/// One signal of pghangd's: the audit trail. Written before it is sent, and again with the answer.
struct SignalRecord {
  std::int64_t at_micros = 0;
  std::string target;
  std::string incident;  ///< the id of its evidence
  std::string signal;    ///< `cancel`, `terminate`
  /// The server's; or `ordered`: pghangd ended before it came, and the signal may have been sent;
  /// or `withheld`: it was not sent after all.
  std::string answer;
  std::string words;  ///< the server's own, or what withheld it; may be empty
  std::string rule;
  std::string why;
  BackendKey backend;
  std::string user;
  std::string database;
  std::string application_name;

  friend bool operator==(const SignalRecord&, const SignalRecord&) = default;
};

/// What a daemon starts with.
struct StoreContents {
  std::vector<Incident> incidents;  ///< the open ones and the newest others, newest first
  std::vector<StoredEscalation> escalations;
  std::size_t unreadable = 0;  ///< incidents left out, whose record does not parse
};

/// Which incidents or signals a reader wants.
struct StoreFilter {
  std::optional<bool> open;       ///< only open ones, or only resolved ones
  std::int64_t since_micros = 0;  ///< those that were open, or signals sent, since
};

}  // namespace pghang
