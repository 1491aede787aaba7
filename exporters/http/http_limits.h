#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pghang {

/// What one client, or many, may cost.
struct HttpLimits {
  /// Open connections. One more closes the one that has been idle, or sending its request, for the
  /// longest, else the slowest to read its answer; while all of these are within `crowded_write` it
  /// is closed itself. So connections that only wait keep nobody out.
  std::size_t connections = 100;
  std::uint32_t header_bytes = 8U * 1024;  ///< beyond: 431, or 414 where the first line alone is
  std::uint64_t body_bytes = 16UL * 1024;  ///< beyond: 413
  std::chrono::milliseconds request{std::chrono::seconds{5}};  ///< TLS, and all of a request
  std::chrono::milliseconds write{std::chrono::seconds{10}};   ///< to have taken all of an answer
  std::chrono::milliseconds crowded_write{std::chrono::seconds{1}};  ///< while there is no place
  std::chrono::milliseconds idle{std::chrono::seconds{30}};          ///< between two requests
  std::chrono::milliseconds linger{std::chrono::seconds{1}};  ///< to close after a last answer
};

}  // namespace pghang
