#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnosis/incident.h"

namespace pghang {

/// Which incidents are meant; what is empty or absent is not looked at.
struct IncidentFilter {
  std::optional<bool> open{};  ///< only open ones, or only resolved ones
  std::string target{};
  std::string rule{};
  std::string database{};
  std::string user{};
  std::string fingerprint{};                   ///< Fingerprint::stable
  std::optional<Cause> cause{};                ///< `unknown` also where there is no verdict
  std::optional<Gate> gate{};                  ///< of the verdict
  std::optional<std::int64_t> since_micros{};  ///< open then or opened later; unix epoch
  std::optional<std::int64_t> until_micros{};  ///< opened no later
};

[[nodiscard]] bool holds(const IncidentFilter& filter, const Incident& incident);

/// Where an incident stands in a list: newest first, by the moment it was opened, then by id. Both
/// never change, so a page goes on where the last one ended whatever has come or gone meanwhile.
struct IncidentPosition {
  std::int64_t opened_at_micros = 0;
  std::string id;

  friend bool operator==(const IncidentPosition&, const IncidentPosition&) = default;
};

/// `1795360203000000.20261122T151003Z-4711`.
[[nodiscard]] std::string cursor_of(const IncidentPosition& position);
/// What cursor_of() wrote; nothing of anything else.
[[nodiscard]] std::optional<IncidentPosition> position_of(std::string_view cursor);

/// Which part of a list is wanted.
struct IncidentPaging {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  std::optional<IncidentPosition> after{};  ///< the last one already seen
};

struct IncidentList {
  std::vector<const Incident*> incidents;  ///< in order
  std::size_t matching = 0;                ///< also those of other pages
  std::optional<IncidentPosition> next;    ///< of the last one here, when more follow
};

/// Refers to `incidents`, which may be in any order.
[[nodiscard]] IncidentList list_incidents(
    const std::deque<Incident>& incidents,
    const IncidentFilter& filter = {},
    const IncidentPaging& paging = {}
);

}  // namespace pghang
