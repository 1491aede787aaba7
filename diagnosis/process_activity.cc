#include "diagnosis/process_activity.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "diagnosis/backend_kind.h"
#include "diagnosis/wait_event_names.h"

namespace pghang {
namespace {

constexpr std::string_view kPrefix = "postgres: ";

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::string kind_of(const SurveyedProcess& process, const std::string& server_version) {
  Evidence evidence;
  evidence.capture.title = process.process.title;
  evidence.capture.postgres = true;
  evidence.capture.server_version = server_version;
  evidence.capture.samples.push_back(process.process.sample);
  return backend_kind(evidence);
}

/// `[local]` or `ADDRESS(PORT)`; a name is no place.
bool is_place(std::string_view word) {
  return word == "[local]" || (word.ends_with(')') && word.find('(') != std::string_view::npos);
}

/// USER DATABASE HOST ACTIVITY; names with spaces in them are left out.
void read_session(std::string_view title, Activity& activity) {
  if (!title.starts_with(kPrefix)) return;
  title.remove_prefix(kPrefix.size());
  if (const auto colon = title.find(": "); colon != std::string_view::npos)
    title.remove_prefix(colon + 2);
  while (title.ends_with(' '))
    title.remove_suffix(1);
  const std::string_view user = take_word(title);
  const std::string_view database = take_word(title);
  const std::string_view host = take_word(title);
  if (!is_place(host)) return;
  activity.user = user;
  activity.database = database;
  if (host != "[local]") activity.client_address = host.substr(0, host.rfind('('));
  if (title.starts_with("idle")) {
    activity.state = title;
  } else if (!title.empty() && title != "authentication" && title != "startup") {
    activity.state = "active";
  }
}

}  // namespace

std::string wait_event_of(const SurveyedProcess& process, const std::string& server_version) {
  const auto info = process.process.sample.flags.wait_event_info;
  return info ? wait_event_name(*info, std::atoi(server_version.c_str())) : std::string();
}

Activity activity_of(const SurveyedProcess& process, const std::string& server_version) {
  Activity activity;
  const std::string kind = kind_of(process, server_version);
  activity.backend_type = kind == "backend" ? "client backend" : kind;
  if (kind == "backend") read_session(process.process.title, activity);
  const std::string wait_event = wait_event_of(process, server_version);
  if (const auto slash = wait_event.find('/'); slash != std::string::npos) {
    activity.wait_event_type = wait_event.substr(0, slash);
    activity.wait_event = wait_event.substr(slash + 1);
  }
  if (process.stamps) {
    activity.xact_start = process.stamps->xact_start;
    activity.query_start = process.stamps->query_start;
    activity.state_change = process.stamps->state_change;
  }
  return activity;
}

}  // namespace pghang
