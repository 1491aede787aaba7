#include "collectors/process/tablespace_file.h"

#include <algorithm>

namespace pghang {
namespace {

constexpr std::string_view kTablespaces = "/pg_tblspc/";

/// `16451` of `16451_fsm` and of `16451.2` (relpath.c, md.c): all forks and segments of a relation.
std::string_view without_fork_and_segment(std::string_view path) {
  const std::size_t name = path.rfind('/') + 1;
  const std::size_t end = path.find_first_of("_.", name);
  return path.substr(0, end);
}

/// `PG_15_202209061/5/16451` of `/data/pg_tblspc/16450/PG_15_202209061/5/16451_fsm`.
std::string_view relation_of(std::string_view path) {
  const std::size_t link = path.find(kTablespaces);
  if (link == std::string_view::npos) return {};
  const std::size_t inside = path.find('/', link + kTablespaces.size());
  if (inside == std::string_view::npos) return {};
  const std::string_view relation = without_fork_and_segment(path.substr(inside + 1));
  return relation.starts_with("PG_") && !relation.ends_with('/') ? relation : std::string_view();
}

}  // namespace

std::optional<std::string>
same_tablespace(const std::vector<ProcFs::Link>& links, std::string_view path) {
  const std::string_view relation = relation_of(path);
  if (relation.empty()) return std::nullopt;
  const std::string end = '/' + std::string(relation);
  const auto found = std::ranges::find_if(links, [&end](const ProcFs::Link& link) {
    return without_fork_and_segment(link.text).ends_with(end);
  });
  return found == links.end() ? std::nullopt : std::optional(found->name);
}

std::string tablespace_link(std::string_view path) {
  const std::size_t link = path.find(kTablespaces);
  if (link == std::string_view::npos) return {};
  const std::size_t end = path.find('/', link + kTablespaces.size());
  return std::string(path.substr(link + 1, end == std::string_view::npos ? end : end - link - 1));
}

}  // namespace pghang
