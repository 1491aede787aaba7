#include "collectors/stack/snapshot.h"

#include "collectors/evidence/codec.h"

namespace pghang {

std::string encode_snapshot(const StackSnapshot& snapshot) {
  codec::Writer writer;
  writer.put(kSnapshotMagic);
  writer.put(kSnapshotVersion);
  writer.put(snapshot);
  return writer.take();
}

Result<StackSnapshot> decode_snapshot(std::string_view bytes) {
  codec::Reader reader(bytes);
  std::uint32_t magic = 0;
  std::uint16_t version = 0;
  reader.get(magic);
  reader.get(version);
  if (!reader.ok() || magic != kSnapshotMagic) {
    return Error{Errc::malformed, "not a stack snapshot"};
  }
  if (version != kSnapshotVersion) {
    return Error{Errc::unsupported, "stack snapshot of version " + std::to_string(version)};
  }
  StackSnapshot snapshot;
  reader.get(snapshot);
  if (!reader.complete()) return Error{Errc::malformed, "stack snapshot is cut or damaged"};
  switch (snapshot.method) {
    case CaptureMethod::in_place:
    case CaptureMethod::ptrace_stop:
    case CaptureMethod::kernel_only: return snapshot;
  }
  return Error{Errc::malformed, "stack snapshot with an unknown method"};
}

}  // namespace pghang
