#pragma once

#include <string>

#include "collectors/evidence/activity.h"
#include "collectors/evidence/server_survey.h"

namespace pghang {

/// What pg_stat_activity would show of a process, as far as its title (ps_status.c: `postgres: USER
/// DATABASE HOST ACTIVITY`, behind `CLUSTER: ` where cluster_name is set), its memory and its entry
/// in shared memory tell. `server_version`: `15.20`, for the names of wait events. A session's
/// state is told from its title; without a title there are no names. `query` is empty.
[[nodiscard]] Activity
activity_of(const SurveyedProcess& process, const std::string& server_version);

/// `IPC/BtreePage`: what it waits for by its own memory; empty for nothing, or where not known.
[[nodiscard]] std::string
wait_event_of(const SurveyedProcess& process, const std::string& server_version);

}  // namespace pghang
