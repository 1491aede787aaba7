#include "collectors/stack/debug_files.h"

#include <lzma.h>

#include <utility>

#include "collectors/stack/regular_file.h"

namespace pghang {

namespace {

/// A CRC reads all of a file: 256 MiB take 0.1 s. PostgreSQL's has 20 MiB, libLLVM's 600.
constexpr std::size_t kMaxLinkedBytes = 256U << 20U;
constexpr std::string_view kBuildIds = "/.build-id/";

std::string path_by_build_id(const std::string& debug_root, const std::string& build_id) {
  constexpr std::size_t shortest = 4;
  if (build_id.size() < shortest) return {};
  std::string path = debug_root;
  path += kBuildIds;
  return path + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
}

std::optional<FileBytes> map_in(const UniqueFd& root, const std::string& path) {
  const auto fd = open_regular_in(root, path);
  if (!fd) return std::nullopt;
  auto bytes = FileBytes::map(fd->get());
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::string build_id_of(const FileBytes& file) {
  const auto image = ElfImage::parse(file.view());
  return image ? image->build_id() : std::string();
}

std::uint32_t crc_of(std::string_view bytes) {
  return lzma_crc32(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), 0);
}

/// `.gnu_debugaltlink`: a path, and the build id of what is there.
struct SharedLink {
  std::string path;
  std::string build_id;
};

std::optional<SharedLink> shared_link_of(const FileBytes& file) {
  const auto image = ElfImage::parse(file.view());
  const Elf64_Shdr* section = image ? image->section(".gnu_debugaltlink") : nullptr;
  if (section == nullptr) return std::nullopt;
  const std::string_view bytes = image->section_bytes(*section);
  const std::string_view path = string_at(bytes, 0);
  if (path.empty()) return std::nullopt;
  return SharedLink{std::string(path), hex_text(bytes.substr(path.size() + 1))};
}

/// The part of a debug file that several share, from the same root.
FileBytes find_shared(
    const UniqueFd& root,
    const std::string& debug_root,
    const std::string& debug_path,
    const FileBytes& file
) {
  const auto link = shared_link_of(file);
  if (!link) return {};
  const std::string directory = debug_path.substr(0, debug_path.rfind('/') + 1);
  for (const std::string& path :
       {link->path.starts_with('/') ? link->path : directory + link->path,
        path_by_build_id(debug_root, link->build_id)}) {
    auto found = map_in(root, path);
    if (found && build_id_of(*found) == link->build_id) return std::move(*found);
  }
  return {};
}

std::optional<DebugFile>
by_build_id(const UniqueFd& root, const std::string& debug_root, const std::string& build_id) {
  const std::string path = path_by_build_id(debug_root, build_id);
  if (path.empty()) return std::nullopt;
  auto file = map_in(root, path);
  if (!file || build_id_of(*file) != build_id) return std::nullopt;
  FileBytes shared = find_shared(root, debug_root, path, *file);
  return DebugFile{.file = std::move(*file), .shared = std::move(shared)};
}

std::optional<DebugFile> by_link(
    const UniqueFd& root,
    const DebugPlaces& places,
    const DebugLink& link,
    const std::string& build_id
) {
  const std::string& beside = places.directory;
  for (const std::string& directory :
       {beside, beside + "/.debug", places.debug_root + "/" + beside}) {
    const std::string path = directory + "/" + link.name;
    auto file = map_in(root, path);
    if (!file || file->view().size() > kMaxLinkedBytes) continue;
    const std::string other = build_id_of(*file);
    if (!build_id.empty() && !other.empty() && other != build_id) continue;
    if (crc_of(file->view()) != link.crc) continue;
    FileBytes shared = find_shared(root, places.debug_root, path, *file);
    return DebugFile{.file = std::move(*file), .shared = std::move(shared)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<DebugLink> debug_link_of(const ElfImage& image) {
  const Elf64_Shdr* section = image.section(".gnu_debuglink");
  if (section == nullptr) return std::nullopt;
  const std::string_view bytes = image.section_bytes(*section);
  const std::string_view name = string_at(bytes, 0);
  if (name.empty() || name.find('/') != std::string_view::npos || name == "." || name == "..") {
    return std::nullopt;
  }
  constexpr std::size_t alignment = sizeof(std::uint32_t);
  const std::size_t at = (name.size() + alignment) / alignment * alignment;
  if (at > bytes.size()) return std::nullopt;
  const auto crc = record_at<std::uint32_t>(bytes.substr(at), 0);
  if (!crc) return std::nullopt;
  return DebugLink{std::string(name), *crc};
}

std::optional<DebugFile> find_debug_file(const DebugPlaces& places, const ElfImage& module) {
  if (places.debug_root.empty()) return std::nullopt;
  const std::string build_id = module.build_id();
  for (const UniqueFd& root : places.roots) {
    auto found = by_build_id(root, places.debug_root, build_id);
    if (!found) continue;
    found->ours = &root == &places.roots.back();
    return found;
  }
  const auto link = debug_link_of(module);
  if (!link || places.directory.empty()) return std::nullopt;
  for (const UniqueFd& root : places.roots) {
    auto found = by_link(root, places, *link, build_id);
    if (!found) continue;
    found->ours = &root == &places.roots.back();
    return found;
  }
  return std::nullopt;
}

std::optional<DebugFile> accept_debug_file(int fd, const ElfImage& module) {
  auto file = FileBytes::map(fd);
  const std::string build_id = module.build_id();
  if (!file || build_id.empty() || build_id_of(*file) != build_id) return std::nullopt;
  return DebugFile{.file = std::move(*file), .shared = {}};
}

}  // namespace pghang
