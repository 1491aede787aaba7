#include "collectors/sampler/protocol.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "collectors/evidence/codec.h"

namespace pghang::sampler {
namespace {

static_assert(std::endian::native == std::endian::little, "the header is written as it is");

bool known(MessageType type) {
  switch (type) {
    case MessageType::capture:
    case MessageType::prewarm:
    case MessageType::stats:
    case MessageType::trace:
    case MessageType::survey:
    case MessageType::signal:
    case MessageType::surveyed:
    case MessageType::signalled:
    case MessageType::glance:
    case MessageType::glanced:
    case MessageType::captured:
    case MessageType::failed:
    case MessageType::stats_reply:
    case MessageType::prewarmed:
    case MessageType::traced:
    case MessageType::touching: return true;
  }
  return false;
}

}  // namespace

std::string encode_message(Header header, std::string_view body) {
  header.body_bytes = static_cast<std::uint32_t>(body.size());
  codec::Writer writer;
  writer.put(header);
  std::string packet = writer.take();
  packet += body;
  return packet;
}

std::string encode_failure(std::uint64_t id, const Error& error) {
  return encode_message(
      {.type = MessageType::failed, .id = id},
      codec::encode(CaptureFailure{error.code, error.context})
  );
}

Result<Message> decode_message(std::string_view packet) {
  if (packet.size() < kHeaderBytes) return Error{Errc::malformed, "shorter than a header"};
  if (packet.size() > kMaxMessageBytes) return Error{Errc::malformed, "longer than a message"};
  Message message;
  codec::Reader reader(packet.substr(0, kHeaderBytes));
  reader.get(message.header);
  message.body = packet.substr(kHeaderBytes);
  if (message.header.magic != kMagic) return Error{Errc::malformed, "wrong magic"};
  if (message.header.version != kProtocolVersion) {
    return Error{Errc::unsupported, "protocol version " + std::to_string(message.header.version)};
  }
  if (!known(message.header.type)) return Error{Errc::malformed, "unknown message type"};
  if (message.header.body_bytes != message.body.size()) {
    return Error{Errc::malformed, "length is not the packet's"};
  }
  return message;
}

std::chrono::milliseconds memory_budget(std::chrono::milliseconds deadline) {
  return deadline / 2;
}

std::chrono::milliseconds child_budget(std::chrono::milliseconds deadline) {
  return std::max(deadline * 3 / 4, deadline - std::chrono::milliseconds(250));
}

std::chrono::milliseconds stuck_budget(std::chrono::milliseconds deadline) {
  return std::max(deadline * 7 / 8, deadline - std::chrono::milliseconds(100));
}

}  // namespace pghang::sampler
