#include "diagnosis/scene.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "diagnosis/backend_kind.h"
#include "diagnosis/brief.h"
#include "diagnosis/suspects.h"
#include "diagnosis/text.h"
#include "diagnosis/wal_writer.h"

namespace pghang {
namespace {

/// The handlers of the languages that keep to themselves until they call SPI.
constexpr auto kLanguages = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"plpython", "PL/Python"}, {"plperl", "PL/Perl"}, {"pltcl", "PL/Tcl"}, {"plv8", "PLV8"}}
);

bool frame_in(const Scene& scene, std::string_view module) {
  return std::ranges::any_of(scene.capture().stack.frames, [module](const Frame& frame) {
    return text::base_name(frame.module).starts_with(module);
  });
}

/// An LWLock bears the name too.
bool reports_sync_rep(const Scene& scene) {
  const auto& activity = scene.evidence.activity;
  return activity && activity->wait_event_type == "IPC" && activity->wait_event == "SyncRep";
}

}  // namespace

const FdTarget* Scene::fd() const {
  const auto& syscall = capture().syscall;
  return syscall && syscall->fd ? &*syscall->fd : nullptr;
}

bool Scene::calls(std::initializer_list<std::string_view> names) const {
  return capture().syscall && std::ranges::find(names, capture().syscall->name) != names.end();
}

bool Scene::kernel_has(std::initializer_list<std::string_view> names) const {
  const auto holds = [names](std::string_view line) {
    return std::ranges::any_of(names, [line](std::string_view name) {
      return line.find(name) != std::string_view::npos;
    });
  };
  return holds(capture().wchan) || std::ranges::any_of(capture().kernel_stack, holds);
}

bool Scene::opens() const {
  return calls({"open", "openat", "openat2", "creat"}) && !capture().syscall->path.empty();
}

bool Scene::opens_fifo() const {
  const bool fifo = fd() != nullptr && fd()->kind == FdKind::fifo;
  return opens() && (fifo || kernel_has({"wait_for_partner", "fifo_open"}));
}

bool Scene::opens_for_writing() const {
  return calls({"creat"}) || capture().syscall->text.find("O_WRONLY") != std::string::npos;
}

bool Scene::on_mount() const {
  return fd() != nullptr && !fd()->mount.empty();
}

bool Scene::on_pipe() const {
  return fd() != nullptr && (fd()->kind == FdKind::pipe || fd()->kind == FdKind::fifo);
}

bool on_network_file_system(const Scene& scene) {
  const std::string_view fs = scene.on_mount() ? std::string_view(scene.fd()->fs_type) : "";
  return fs.starts_with("nfs") || fs.starts_with("fuse") || fs == "cifs" || fs == "smb3" ||
         fs == "ceph" || fs == "9p";
}

bool has_foreign_peers(const Scene& scene) {
  if (!scene.on_pipe()) return false;
  const auto& peers = scene.fd()->peers;
  return !peers.empty() && std::ranges::none_of(peers, [&scene](const RelatedProcess& peer) {
    return peer.comm == scene.capture().comm;
  });
}

bool without_variables(const Scene& scene) {
  const auto& missing = scene.capture().missing;
  return !scene.capture().postgres && std::ranges::none_of(missing, [](const Missing& entry) {
    return entry.evidence == "interrupts";
  });
}

bool waits_for_workers(const Scene& scene) {
  return stack_has(scene.evidence, {"WaitForBackgroundWorkerShutdown", "DestroyParallelContext"});
}

bool orphaned(const Scene& scene) {
  return scene.capture().orphan;
}

bool waits_for_wal(const Scene& scene) {
  const bool queues =
      stack_has(scene.evidence, {"XLogFlush", "XLogBackgroundFlush", "XLogInsertRecord"});
  return scene.facts.lwlock && queues && wal_writer_of(scene.capture()) != nullptr;
}

bool waits_for_standby(const Scene& scene) {
  return stack_has(scene.evidence, {"SyncRepWaitForLSN"}) || reports_sync_rep(scene);
}

bool waits_in_recovery_conflict(const Scene& scene) {
  return stack_has(
      scene.evidence,
      {"ResolveRecoveryConflictWithSnapshot",
       "ResolveRecoveryConflictWithSnapshotFullXid",
       "ResolveRecoveryConflictWithTablespace",
       "ResolveRecoveryConflictWithDatabase",
       "ResolveRecoveryConflictWithLock",
       "ResolveRecoveryConflictWithBufferPin"}
  );
}

bool ends_with_the_server(const Scene& scene) {
  const auto& cluster = scene.capture().cluster;
  if (scene.facts.kind != "walsender" || cluster.empty()) return false;
  const auto checkpointer = std::ranges::find_if(cluster, [](const ClusterProcess& process) {
    return backend_kind(brief_evidence(process)) == "checkpointer";
  });
  return checkpointer == cluster.end() ||
         checkpointer->sample.flags.shutdown_request_pending.value_or(0) > 0;
}

bool waits_for_copy_program(const Scene& scene) {
  const bool copies = stack_has(
      scene.evidence,
      {"DoCopy",
       "BeginCopyFrom",
       "CopyFrom",
       "NextCopyFrom",
       "NextCopyFromRawFields",
       "EndCopyFrom",
       "BeginCopyTo",
       "DoCopyTo",
       "EndCopyTo",
       "ClosePipeStream",
       "AtEOXact_Files",
       "AtEOSubXact_Files"}
  );
  if (!copies) return false;
  const bool started = !scene.capture().children.empty();
  return (started && scene.calls({"wait4", "waitid"})) ||
         (scene.on_pipe() && (started || has_foreign_peers(scene)));
}

bool authenticates(const Scene& scene) {
  const auto& samples = scene.capture().samples;
  return !samples.empty() && samples.back().flags.client_auth_in_progress.value_or(0) > 0;
}

bool writes_to_log(const Scene& scene) {
  if (stack_has(scene.evidence, {"write_pipe_chunks"})) return true;
  return scene.on_pipe() && scene.fd()->number == 2 && scene.calls({"write", "writev"});
}

bool in_procedural_language(const Scene& scene) {
  return !procedural_language(scene.place.modules).empty();
}

bool connects_by_libpq(const Scene& scene) {
  return frame_in(scene, "libpq.so") && stack_has(
                                            scene.evidence,
                                            {"PQconnectdb",
                                             "PQconnectdbParams",
                                             "PQconnectPoll",
                                             "PQconnectStart",
                                             "PQconnectStartParams",
                                             "PQsetdbLogin",
                                             "PQreset",
                                             "PQping",
                                             "PQpingParams"}
                                        );
}

bool asks_by_libpq(const Scene& scene) {
  return frame_in(scene, "libpq.so");
}

std::string_view procedural_language(std::string_view modules) {
  const auto* const found = std::ranges::find_if(kLanguages, [modules](const auto& language) {
    return modules.starts_with(language.first) ||
           modules.find(" " + std::string(language.first)) != std::string_view::npos;
  });
  return found == kLanguages.end() ? std::string_view() : found->second;
}

}  // namespace pghang
