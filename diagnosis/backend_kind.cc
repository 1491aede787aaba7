#include "diagnosis/backend_kind.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "diagnosis/server_version.h"

namespace pghang {
namespace {

struct Title {
  std::string_view text;
  std::string_view kind;
  bool prefix = false;  ///< more may follow
};

/// Titles after `postgres: ` and the cluster's name. A role may be called `archiver`: where more
/// follows, it is spelled out as far as no session's title could be.
constexpr auto kTitles = std::to_array<Title>({
    {"archiver", "archiver"},
    {"archiver last was ", "archiver", true},
    {"archiver archiving ", "archiver", true},
    {"archiver failed on ", "archiver", true},
    {"autovacuum launcher", "autovacuum launcher"},
    {"autovacuum worker", "autovacuum worker", true},
    {"background writer", "background writer"},
    {"writer", "background writer"},
    {"checkpointer", "checkpointer"},
    {"io worker ", "io worker", true},
    {"logger", "logger"},
    {"parallel worker for PID ", "parallel worker", true},
    {"bgworker: parallel worker for PID ", "parallel worker", true},
    {"startup", "startup"},
    {"startup recovering ", "startup", true},
    {"startup waiting for ", "startup", true},
    {"stats collector", "stats collector"},
    {"walreceiver", "walreceiver"},
    {"wal receiver", "walreceiver"},
    {"walreceiver streaming ", "walreceiver", true},
    {"walsummarizer", "walsummarizer"},
    {"walwriter", "walwriter"},
    {"wal writer", "walwriter"},
});

constexpr auto kAuxiliary = std::to_array<std::string_view>(
    {"archiver",
     "autovacuum launcher",
     "background writer",
     "checkpointer",
     "io worker",
     "logger",
     "postmaster",
     "startup",
     "stats collector",
     "walreceiver",
     "walsummarizer",
     "walwriter"}
);

constexpr auto kIgnoring =
    std::to_array<std::string_view>({"checkpointer", "io worker", "logger", "stats collector"});

constexpr std::string_view kPrefix = "postgres: ";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  // 10 wrote `checkpointer process`.
  if (text.ends_with(" process")) text.remove_suffix(8);
  return text;
}

struct BackendType {
  int major;
  int number;
  std::string_view name;
};

constexpr BackendType kBackendTypes[] = {
#include "diagnosis/backend_types.inc"
};

/// Empty where memory does not say: before 13, of the postmaster (which has no type), of a release
/// that is not known.
std::string_view type_in_memory(const Evidence& evidence) {
  const auto& samples = evidence.capture.samples;
  if (samples.empty() || samples.back().flags.my_backend_type.value_or(0) == 0) return {};
  const std::int64_t number = *samples.back().flags.my_backend_type;
  const int major = server_major(evidence);
  const auto* const found = std::ranges::find_if(kBackendTypes, [&](const BackendType& type) {
    return type.major == major && type.number == number;
  });
  return found == std::end(kBackendTypes) ? std::string_view() : found->name;
}

std::string kind_by_title(std::string_view title) {
  const auto known = [](std::string_view text) -> std::string_view {
    // A session of a role of that name ends in a command tag or `idle`.
    if (text.starts_with("walsender ") && text.find(" streaming ") != std::string_view::npos)
      return "walsender";
    const auto* const found = std::ranges::find_if(kTitles, [text](const Title& candidate) {
      return candidate.prefix ? text.starts_with(candidate.text) : text == candidate.text;
    });
    return found == kTitles.end() ? std::string_view() : found->kind;
  };
  std::string_view rest = trimmed(title.substr(kPrefix.size()));
  if (const auto kind = known(rest); !kind.empty()) return std::string(kind);
  // `postgres: 15/main: checkpointer` where cluster_name is set.
  if (const auto colon = rest.find(": "); colon != std::string_view::npos) {
    rest.remove_prefix(colon + 2);
    if (const auto kind = known(rest); !kind.empty()) return std::string(kind);
  }
  return "backend";
}

}  // namespace

std::string backend_kind(const Evidence& evidence) {
  if (evidence.activity && !evidence.activity->backend_type.empty())
    return evidence.activity->backend_type == "client backend" ? "backend"
                                                               : evidence.activity->backend_type;
  const std::string_view title = evidence.capture.title;
  const std::string_view type = type_in_memory(evidence);
  if (type.ends_with("client backend") || type == "standalone backend") return "backend";
  // What a background worker does is in its title only.
  if (!type.empty() && type != "background worker") return std::string(type);
  if (title.starts_with(kPrefix)) return kind_by_title(title);
  // Only the postmaster keeps the command line that it was started with.
  if (evidence.capture.postgres && title.find(" -D") != std::string_view::npos) return "postmaster";
  return "backend";
}

bool is_auxiliary(const std::string& kind) {
  return std::ranges::find(kAuxiliary, kind) != kAuxiliary.end();
}

bool ignores_terminate_by_design(const std::string& kind) {
  return std::ranges::find(kIgnoring, kind) != kIgnoring.end();
}

}  // namespace pghang
