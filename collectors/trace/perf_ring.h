#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "config/result.h"

namespace pghang {

/// The buffer that the kernel writes an event's records to (perf_event_open(2), "MMAP layout").
class PerfRing {
 public:
  /// What follows a record's header.
  using Record = std::function<void(const perf_event_header&, std::string_view)>;

  /// 4 MiB, or where that may not be locked in memory the 512 KiB that every user may have
  /// (perf_event_mlock_kb). Errors: permission_denied, io.
  [[nodiscard]] static Result<PerfRing> open(int event);

  PerfRing(PerfRing&& other) noexcept;
  PerfRing& operator=(PerfRing&&) = delete;
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;
  ~PerfRing();

  /// Takes every record that is there, in the order of the kernel's writing.
  void drain(const Record& record);

 private:
  PerfRing(std::byte* memory, std::size_t page, std::size_t data_bytes)
      : memory_(memory),
        page_(page),
        data_bytes_(data_bytes) {}

  /// A piece of the data, which may go around its end.
  [[nodiscard]] std::string_view piece(std::uint64_t at, std::size_t size);

  std::byte* memory_ = nullptr;
  std::size_t page_ = 0;
  std::size_t data_bytes_ = 0;
  std::string joined_;
};

}  // namespace pghang
