#include "collectors/trace/perf_ring.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "collectors/process/file_text.h"

namespace pghang {

Result<PerfRing> PerfRing::open(int event) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const std::size_t bytes : {std::size_t{4} << 20U, std::size_t{512} << 10U}) {
    void* memory = ::mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
    if (memory != MAP_FAILED) return PerfRing(static_cast<std::byte*>(memory), page, bytes);
  }
  return system_error(errno, "mmap of a perf event");
}

PerfRing::PerfRing(PerfRing&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      page_(other.page_),
      data_bytes_(other.data_bytes_) {}

PerfRing::~PerfRing() {
  if (memory_ != nullptr) ::munmap(memory_, page_ + data_bytes_);
}

std::string_view PerfRing::piece(std::uint64_t at, std::size_t size) {
  const char* data = reinterpret_cast<const char*>(memory_ + page_);
  const std::size_t offset = at % data_bytes_;
  if (offset + size <= data_bytes_) return {data + offset, size};
  const std::size_t first = data_bytes_ - offset;
  joined_.assign(data + offset, first);
  joined_.append(data, size - first);
  return joined_;
}

void PerfRing::drain(const Record& record) {
  auto* const control = reinterpret_cast<perf_event_mmap_page*>(memory_);
  const std::uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
  std::uint64_t tail = control->data_tail;
  while (tail < head) {
    perf_event_header header{};
    std::memcpy(&header, piece(tail, sizeof header).data(), sizeof header);
    if (header.size < sizeof header) break;
    record(header, piece(tail + sizeof header, header.size - sizeof header));
    tail += header.size;
  }
  std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
}

}  // namespace pghang
