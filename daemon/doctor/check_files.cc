#include <algorithm>
#include <cstdio>

#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

constexpr unsigned kReadableByOthers = 0004;
constexpr std::uint64_t kLittleRoom = 64UL << 20U;

std::string octal(unsigned mode) {
  std::string text(5, '\0');
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  text.pop_back();
  return text;
}

/// `password=...` or `postgresql://user:password@host`.
bool holds_password(const Target& target) {
  const std::string& dsn = target.dsn;
  if (dsn.find("password") != std::string::npos) return true;
  const std::size_t begin = dsn.find("://");
  if (begin == std::string::npos) return false;
  const std::size_t at = dsn.find('@', begin);
  const std::size_t colon = dsn.find(':', begin + 3);
  return at != std::string::npos && colon < at;
}

std::string plural(std::size_t number, const char* what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

std::string summary(const Settings& settings) {
  return std::string("mode ") + to_string(settings.mode) + ", " +
         plural(settings.targets.size(), "target") + ", " + plural(settings.rules.size(), "rule");
}

CheckLine built_in(const ConfigFacts& facts, const Settings& settings) {
  const std::string text = "built-in defaults: " + summary(settings);
  if (!facts.installed) return {Grade::ok, "config", text, ""};
  return {
      Grade::warn,
      "config",
      text + "; " + kInstalledConfig + " was not asked for",
      std::string("pghangd doctor --config.file ") + kInstalledConfig};
}

}  // namespace

CheckList check_config(const ConfigFacts& facts, const Settings& settings) {
  if (facts.file.empty()) return {built_in(facts, settings)};
  if (!facts.answered) {
    return {
        {Grade::fail,
         "config",
         facts.file + ": its file system did not answer in time",
         "find out why: findmnt -T " + facts.file + "; dmesg"}};
  }
  CheckList checks;
  for (const ConfigProblem& problem : facts.problems) {
    const bool unread = problem.line == 0 && problem.key.empty();
    checks.push_back(
        {Grade::fail,
         "config",
         to_string(problem),
         unread ? "give a file that this user may read: ls -l " + facts.file
                : "correct that line; pghangd.yaml(5) explains every key"}
    );
  }
  if (!checks.empty()) return checks;
  checks.push_back({Grade::ok, "config", facts.file + ": " + summary(settings), ""});
  const bool open = (facts.mode & kReadableByOthers) != 0;
  if (open && std::ranges::any_of(settings.targets, holds_password)) {
    checks.push_back(
        {Grade::warn,
         "config, password",
         facts.file + " holds a password and everybody may read it (mode " + octal(facts.mode) +
             ")",
         "chmod o-r " + facts.file + ", or move the password into password_file"}
    );
  }
  return checks;
}

CheckLine check_folder(const FolderFacts& facts) {
  if (!facts.answered) {
    return {
        Grade::fail,
        facts.key,
        facts.path + ": its file system did not answer in time",
        "find out why, or choose another file system: findmnt -T " + facts.path + "; dmesg"};
  }
  if (!facts.error.empty()) {
    return {
        Grade::fail,
        facts.key,
        facts.path + " cannot be written to: " + facts.error,
        "sudo install -d -o pghangd -g pghangd -m 0700 " + facts.path +
            ", and ReadWritePaths= of the unit unless it lies below ${STATE_DIRECTORY}"};
  }
  const std::string room = std::to_string(facts.free_bytes >> 20U) + " MB free";
  if (facts.free_bytes < kLittleRoom) {
    return {Grade::warn, facts.key, facts.path + ": only " + room, "make room: df " + facts.path};
  }
  return {Grade::ok, facts.key, facts.path + " can be written to, " + room, ""};
}

CheckLine check_store(const StoreFacts& facts) {
  const FolderFacts& folder = facts.folder;
  if (folder.answered && facts.missing && facts.by_systemd) {
    const std::string room = std::to_string(folder.free_bytes >> 20U) + " MB free";
    const std::string later = folder.path + ": systemd makes it when the service starts, ";
    if (folder.free_bytes >= kLittleRoom) return {Grade::ok, folder.key, later + room, ""};
    return {Grade::warn, folder.key, later + "only " + room, "make room: df /var/lib"};
  }
  if (folder.answered && folder.error.empty() && !facts.file_error.empty()) {
    return {
        Grade::fail,
        folder.key,
        facts.file + " cannot be written to: " + facts.file_error,
        "sudo chown pghangd: " + facts.file + "*, and doctor --user pghangd asks as the service"};
  }
  return check_folder(folder);
}

}  // namespace pghang::doctor
