#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "config/result.h"
#include "config/unique_fd.h"

/// One packet at a time over a SOCK_SEQPACKET socket (unix(7)), never blocking.
namespace pghang::sampler {

enum class ReceiveStatus {
  packet,  ///< `packet` holds one
  none,    ///< nothing there now
  closed,  ///< the other end is gone
};

struct Received {
  ReceiveStatus status = ReceiveStatus::none;
  std::string_view packet;  ///< in the buffer given, until its next use; empty when it was too long
};

enum class SendStatus {
  sent,
  full,    ///< the other end does not read
  closed,  ///< the other end is gone
};

/// Both ends close on exec. Errors: io.
[[nodiscard]] Result<std::pair<UniqueFd, UniqueFd>> make_packet_sockets();

/// `buffer` grows to kMaxMessageBytes with its first use.
[[nodiscard]] Received receive_packet(int socket, std::string& buffer);

[[nodiscard]] SendStatus send_packet(int socket, std::string_view packet);

}  // namespace pghang::sampler
