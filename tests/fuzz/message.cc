#include "collectors/evidence/codec.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/sampler/protocol.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

using sampler::CaptureFailure;
using sampler::CaptureRequest;
using sampler::ChildReport;
using sampler::GlanceRequest;
using sampler::MessageType;
using sampler::PrewarmRequest;
using sampler::SamplerStats;
using sampler::SignalRequest;
using sampler::SurveyRequest;
using sampler::TouchingNotice;
using sampler::TraceRequest;

/// What decodes encodes to something that decodes to the same.
template <typename T>
void decode_body(std::string_view body) {
  const auto value = codec::decode<T>(body);
  if (!value) return;
  const std::string encoded = codec::encode(*value);
  expect(encoded.size() == body.size(), "all of the body was decoded");
  const auto again = codec::decode<T>(encoded);
  expect(again && codec::encode(*again) == encoded, "an encoded value decodes to itself");
}

void decode_by_type(MessageType type, std::string_view body) {
  switch (type) {
    case MessageType::capture: return decode_body<CaptureRequest>(body);
    case MessageType::prewarm: return decode_body<PrewarmRequest>(body);
    case MessageType::trace: return decode_body<TraceRequest>(body);
    case MessageType::traced: return decode_body<SyscallTrace>(body);
    case MessageType::survey: return decode_body<SurveyRequest>(body);
    case MessageType::surveyed: return decode_body<ServerSurvey>(body);
    case MessageType::signal: return decode_body<SignalRequest>(body);
    case MessageType::glance: return decode_body<GlanceRequest>(body);
    case MessageType::glanced: return decode_body<Glance>(body);
    case MessageType::captured: return decode_body<Capture>(body);
    case MessageType::failed: return decode_body<CaptureFailure>(body);
    case MessageType::stats_reply: return decode_body<SamplerStats>(body);
    case MessageType::touching: return decode_body<TouchingNotice>(body);
    case MessageType::stats:
    case MessageType::signalled:
    case MessageType::prewarmed: return;
  }
}

/// As it is, and as one of this version: so a kept packet stays of use when the version is raised.
void decode_packet(std::string_view bytes) {
  constexpr std::size_t version_at = sizeof sampler::kMagic;
  std::string packet(bytes);
  (void)sampler::decode_message(packet);
  if (packet.size() < sampler::kHeaderBytes) return;
  std::memcpy(packet.data() + version_at, &sampler::kProtocolVersion, sizeof(std::uint16_t));
  if (const auto message = sampler::decode_message(packet))
    decode_by_type(message->header.type, message->body);
}

/// Fields come from the input, so their lengths are always right.
template <typename T>
void round_trip(Input& input) {
  T value{};
  input.get(value);
  decode_body<T>(codec::encode(value));
}

}  // namespace

void message(std::string_view bytes) {
  Input input(bytes);
  switch (input.number<std::uint8_t>() % 5) {
    case 0: decode_packet(input.rest()); break;
    case 1: decode_by_type(MessageType::captured, input.rest()); break;
    case 2: decode_body<ChildReport>(input.rest()); break;
    case 3: round_trip<Capture>(input); break;
    default: round_trip<ChildReport>(input); break;
  }
}

}  // namespace pghang::fuzz
