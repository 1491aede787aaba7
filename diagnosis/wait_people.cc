#include "diagnosis/wait_people.h"

#include <csignal>
#include <string_view>

#include "diagnosis/brief.h"
#include "diagnosis/facts.h"
#include "diagnosis/place.h"
#include "diagnosis/server_pid.h"
#include "diagnosis/text.h"

namespace pghang {
namespace {

template <typename Map>
auto pointer_in(const Map& map, pid_t pid) -> typename Map::mapped_type {
  const auto found = map.find(pid);
  return found == map.end() ? nullptr : found->second;
}

std::string tracer_words(const std::optional<RelatedProcess>& tracer) {
  if (!tracer || tracer->pid == 0) return "is held by a tracer";
  return "is held by " + text::printable(tracer->comm) + " (pid " + std::to_string(tracer->pid) +
         "), which traces it";
}

/// What keeps it off the CPU whatever it waits for; empty when it could run.
std::string why_it_cannot_run(
    const Sample& sample,
    const std::optional<Syscall>& syscall,
    const std::optional<RelatedProcess>& tracer
) {
  if (sample.frozen) return "is in a frozen cgroup";
  switch (sample.state) {
    case ProcessState::uninterruptible: {
      const std::string mount = stuck_mount(sample, syscall);
      return "is in D state" + (mount.empty() ? mount : " on " + text::printable(mount));
    }
    case ProcessState::stopped: return "is stopped";
    case ProcessState::traced: return tracer_words(tracer);
    default: return {};
  }
}

std::string since(const std::optional<Micros>& age) {
  return age ? " since " + text::seconds(static_cast<double>(age->count()) / 1e6) : std::string();
}

bool idle(const Activity& session) {
  return session.state && session.state->starts_with("idle");
}

std::string session_state(const Activity& session) {
  if (!session.state) return {};
  std::string words = "is " + *session.state + since(session.state_age);
  if (!idle(session) && session.wait_event_type && session.wait_event)
    words += ", waiting for " + *session.wait_event_type + "/" + *session.wait_event;
  return words;
}

std::string session_name(const Activity& session) {
  std::string name = session.backend_type;
  if (session.user || session.database)
    name += " " + session.user.value_or("") + "@" + session.database.value_or("");
  return name;
}

/// What the server's own means do about a session that blocks others and is not itself stuck.
std::vector<ReleaseStep> session_release(const Activity& session) {
  if (session.backend_type != "client backend" || !session.state) return {};
  const std::string pid = std::to_string(session.key.pid);
  if (idle(session))
    return {
        {"SELECT pg_terminate_backend(" + pid + ");",
         "its transaction is rolled back and its client loses the connection"}};
  return {
      {"SELECT pg_cancel_backend(" + pid + ");",
       "its statement ends with an error, and its transaction with it"}};
}

std::string place_words(const Evidence& evidence) {
  return place_of(evidence, facts_of(evidence)).phrase;
}

}  // namespace

std::string pid_node_id(pid_t pid) {
  return "pid:" + std::to_string(pid);
}

std::string stuck_mount(const Sample& sample, const std::optional<Syscall>& syscall) {
  if (sample.state != ProcessState::uninterruptible || !syscall || !syscall->fd) return {};
  return syscall->fd->mount;
}

WaitPeople::WaitPeople(const WaitInputs& inputs) : unresponsive_(inputs.unresponsive) {
  for (const Activity& session : inputs.sessions)
    sessions_.emplace(session.key.pid, &session);
  for (const CapturedBackend& one : inputs.captured) {
    const Capture& capture = one.evidence->capture;
    const pid_t self = server_pid(capture);
    apart_ = apart_ || counts_apart(capture);
    meet(capture.key.pid, self);
    captured_.emplace(self, one);
    if (one.evidence->activity) sessions_.emplace(self, &*one.evidence->activity);
    for (const ClusterProcess& process : capture.cluster) {
      meet(process.key.pid, server_pid(process));
      cluster_.emplace(server_pid(process), &process);
    }
    for (const RelatedProcess& child : capture.children)
      meet(capture, child);
    if (!capture.syscall || !capture.syscall->fd) continue;
    for (const RelatedProcess& peer : capture.syscall->fd->peers)
      meet(capture, peer);
  }
}

void WaitPeople::meet(pid_t host_pid, pid_t pid) {
  pid_of_host_.emplace(host_pid, pid);
  host_of_pid_.emplace(pid, host_pid);
}

void WaitPeople::meet(const Capture& capture, const RelatedProcess& process) {
  const pid_t pid = server_pid(capture, process);
  if (pid == 0) {
    unseen_.emplace(process.pid, &process);
  } else {
    meet(process.pid, pid);
    related_.emplace(pid, &process);
  }
}

const Activity* WaitPeople::session(pid_t pid) const {
  return pointer_in(sessions_, pid);
}

const CapturedBackend* WaitPeople::captured(pid_t pid) const {
  const auto found = captured_.find(pid);
  return found == captured_.end() ? nullptr : &found->second;
}

WaitNode WaitPeople::node_of_host(pid_t host_pid, bool backend) const {
  const auto known = pid_of_host_.find(host_pid);
  if (known != pid_of_host_.end()) return node(known->second, backend);
  if (!apart_) return node(host_pid, backend);
  WaitNode node;
  node.id = "host:" + std::to_string(host_pid);
  node.kind = WaitNodeKind::process;
  node.host_pid = host_pid;
  if (const RelatedProcess* process = pointer_in(unseen_, host_pid)) {
    Sample sample;
    sample.state = process->state;
    node.name = process->comm;
    node.state = why_it_cannot_run(sample, std::nullopt, std::nullopt);
    node.cannot_run = !node.state.empty();
  }
  return node;
}

WaitNode WaitPeople::node(pid_t pid, bool backend) const {
  const Activity* session = this->session(pid);
  const CapturedBackend* captured = this->captured(pid);
  const ClusterProcess* cluster = pointer_in(cluster_, pid);
  const RelatedProcess* related = pointer_in(related_, pid);

  WaitNode node;
  node.id = pid_node_id(pid);
  node.pid = pid;
  if (const auto host = host_of_pid_.find(pid); host != host_of_pid_.end() && host->second != pid)
    node.host_pid = host->second;
  const bool known = session != nullptr || captured != nullptr || cluster != nullptr;
  const bool named_so = related != nullptr && related->comm == "postgres";
  node.kind = backend || known || named_so ? WaitNodeKind::backend : WaitNodeKind::process;
  node.unresponsive = unresponsive_.contains(pid);

  if (session != nullptr) {
    node.name = session_name(*session);
  } else if (captured != nullptr) {
    node.name = text::printable(captured->evidence->capture.title);
  } else if (cluster != nullptr) {
    node.name = text::printable(cluster->title);
  } else if (related != nullptr) {
    node.name = related->comm;
  }

  const Capture* capture = captured == nullptr ? nullptr : &captured->evidence->capture;
  if (capture != nullptr && !capture->samples.empty()) {
    node.state = why_it_cannot_run(capture->samples.back(), capture->syscall, capture->tracer);
  } else if (cluster != nullptr) {
    node.state = why_it_cannot_run(cluster->sample, cluster->syscall, cluster->tracer);
  } else if (related != nullptr) {
    Sample sample;
    sample.state = related->state;
    node.state = why_it_cannot_run(sample, std::nullopt, std::nullopt);
  }
  node.cannot_run = !node.state.empty();
  if (node.state.empty() && related != nullptr && has_signal(related->ignored_signals, SIGTERM))
    node.state = "ignores SIGTERM";
  if (node.state.empty() && session != nullptr && idle(*session))
    node.state = session_state(*session);
  if (node.state.empty() && capture != nullptr) node.state = place_words(*captured->evidence);
  if (node.state.empty() && session != nullptr) node.state = session_state(*session);
  if (node.state.empty() && cluster != nullptr) node.state = place_words(brief_evidence(*cluster));

  const bool stuck = node.unresponsive || node.cannot_run;
  if (stuck && captured != nullptr && captured->verdict != nullptr) {
    node.release = captured->verdict->release;
  } else if (stuck && cluster != nullptr) {
    node.release = {brief_of(*cluster).step};
  } else if (session != nullptr) {
    node.release = session_release(*session);
  }
  return node;
}

}  // namespace pghang
