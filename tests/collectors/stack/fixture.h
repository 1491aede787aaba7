#pragma once

#include <map>
#include <string>

#include "collectors/stack/snapshot.h"
#include "tests/collectors/stack/elf_builder.h"

/// Recorded stacks (tests/fixtures/README.md): a folder for each, and reduced modules by build id.
namespace pghang::test {

extern const char* const kFixtureRoot;

/// The bytes of a file; empty when it cannot be read.
[[nodiscard]] std::string file_text(const std::string& path);
[[nodiscard]] bool write_file(const std::string& path, const std::string& bytes);

[[nodiscard]] std::string module_path(const std::string& fixture_root, const std::string& build_id);
/// The unpacked content of an .xz file; empty when it is missing or damaged.
[[nodiscard]] std::string unpacked_file(const std::string& path);

/// Path as mapped → build id, from `modules.txt`.
[[nodiscard]] std::map<std::string, std::string> module_list(const std::string& folder);

/// A trace as text, a line for each frame, then how it ended.
[[nodiscard]] std::string to_text(const StackTrace& trace);

}  // namespace pghang::test
