#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "exporters/store/records.h"

namespace pghang {

/// What waits to be written: of each thing the latest state only, so that a disk that hangs for
/// hours costs no more memory than what happened meanwhile differs in. Pure.
class StoreChanges {
 public:
  struct IncidentRow {
    std::string target;
    std::int64_t opened_micros = 0;
    std::optional<std::int64_t> resolved_micros;
    std::string record;

    friend bool operator==(const IncidentRow&, const IncidentRow&) = default;
  };

  using EscalationKey = std::pair<std::string, std::uint64_t>;           ///< target, sighting
  using SignalKey = std::tuple<std::string, std::int64_t, std::string>;  ///< incident, at, signal

  void put(const Incident& incident);
  void put(StoredEscalation escalation);
  void put(SignalRecord signal);
  void erase_escalation(const std::string& target, std::uint64_t sighting);

  /// Takes over what happened after what is here. What would go beyond `max_bytes` is left out;
  /// returns how many things that were.
  std::size_t add_newer(StoreChanges newer, std::size_t max_bytes);

  [[nodiscard]] bool empty() const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }  ///< roughly

  [[nodiscard]] const std::map<std::string, IncidentRow>& incidents() const { return incidents_; }

  /// Nothing: it is over.
  [[nodiscard]] const std::map<EscalationKey, std::optional<StoredEscalation>>& escalations(
  ) const {
    return escalations_;
  }

  [[nodiscard]] const std::map<SignalKey, SignalRecord>& signals() const { return signals_; }

 private:
  std::map<std::string, IncidentRow> incidents_;
  std::map<EscalationKey, std::optional<StoredEscalation>> escalations_;
  std::map<SignalKey, SignalRecord> signals_;
  std::size_t bytes_ = 0;
};

/// An incident as the store keeps it (collectors/evidence/archive.h), and back.
[[nodiscard]] std::string pack_incident(const Incident& incident);
[[nodiscard]] bool unpack_incident(std::string_view record, Incident& incident);

}  // namespace pghang
