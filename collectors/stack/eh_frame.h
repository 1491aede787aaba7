#pragma once

#include <cstdint>
#include <optional>

#include "collectors/stack/elf_image.h"
#include "collectors/stack/elf_module.h"

/// Reading .eh_frame_hdr and the heads of FDEs and CIEs (LSB Core, "Exception Frames"; DWARF 5,
/// section 6.4). Only what finding a function's range takes: rows are libunwind's job.
namespace pghang {

/// Nothing when there is no table, or its encoding is not the one that every linker writes
/// (datarel, sdata4).
[[nodiscard]] std::optional<UnwindTable> find_unwind_table(const ElfImage& image);

/// The FDE whose range covers `address`; nothing when the nearest one before it ends earlier, or
/// when libunwind could not be given it (cfi_check.h).
[[nodiscard]] std::optional<FunctionRange>
find_function_range(const ElfImage& image, const UnwindTable& table, std::uint64_t address);

}  // namespace pghang
