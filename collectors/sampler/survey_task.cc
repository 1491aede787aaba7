#include "collectors/sampler/survey_task.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "collectors/evidence/codec.h"
#include "collectors/process/cluster_survey.h"
#include "collectors/process/observer.h"
#include "collectors/process/parsers.h"
#include "collectors/process/session_stamps.h"
#include "collectors/sampler/server_pid.h"

namespace pghang::sampler {
namespace {

Result<ProcStat> stat_of(const ProcFs& proc, pid_t pid) {
  const auto text = proc.read(pid, "stat");
  if (!text) return text.error();
  return parse_stat(*text);
}

bool has_ended(const ProcStat& stat) {
  return stat.state == ProcessState::zombie || stat.state == ProcessState::dead;
}

bool is_named_postgres(const ProcStat& stat) {
  return stat.comm.find("postgres") != std::string::npos || stat.comm == "postmaster";
}

std::int64_t now_micros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class Survey {
 public:
  Survey(
      const SurveyTask& task,
      const ProcFs& proc,
      const ModuleCache& modules,
      const VariableSymbols& symbols
  )
      : task_(task),
        proc_(proc),
        modules_(modules),
        symbols_(symbols) {}

  Result<void> run(SurveyReport& report) {
    ServerSurvey& survey = report.survey;
    if (const auto found = find_postmaster(survey); !found) return found.error();
    ProcessList list{.pids = {}, .first = task_.request.first, .memory_answers = task_.with_memory};
    if (const auto listed = list_members(survey, list); !listed) return listed.error();
    const auto known = learn_variables(list, report);
    if (!known || report.need_modules) return known;
    const auto processes = survey_processes(
        proc_,
        list,
        task_.with_memory ? variables_ : VariableAddresses(),
        survey.missing,
        kBudget
    );
    survey.all_alive_known = list.all_seen && !task_.request.only_postmaster;
    survey.taken_at_micros = now_micros();
    const auto boot = started_at_micros(proc_, 0);
    for (const ClusterProcess& process : processes) {
      if (survey.postmaster_gone && !is_left_behind(survey, process)) continue;
      add(process, boot ? *boot : 0, survey);
    }
    keep_alive(list, survey);
    return confirm(survey);
  }

 private:
  static constexpr std::chrono::milliseconds kBudget{200};

  Result<void> find_postmaster(ServerSurvey& survey) {
    const SurveyRequest& request = task_.request;
    survey.postmaster = request.postmaster;
    if (survey.postmaster.pid == 0) {
      CaptureRequest backend{.pid = request.backend, .server_pid = true};
      backend.server_process = request.server_process;
      backend.expect_started_at_micros = request.backend_started_at_micros;
      const auto pid = host_pid(proc_, backend);
      if (!pid) return pid.error();
      const auto stat = stat_of(proc_, *pid);
      if (!stat) return stat.error();
      survey.postmaster.pid = stat->ppid;
    }
    const auto stat = stat_of(proc_, survey.postmaster.pid);
    const bool known = survey.postmaster.start_ticks != 0;
    if (!stat && stat.error().code != Errc::not_found) return stat.error();
    const bool same = stat && (!known || stat->start_ticks == survey.postmaster.start_ticks);
    if (same && !has_ended(*stat)) {
      survey.postmaster.start_ticks = stat->start_ticks;
      return boost::system::in_place_value;
    }
    if (!known) {
      return Error{
          Errc::not_found,
          "the server's process " + std::to_string(survey.postmaster.pid) + " has ended"};
    }
    survey.postmaster_gone = true;
    return boost::system::in_place_value;
  }

  /// Of a server that lost its postmaster: whoever could be of it. Nobody else's children are.
  Result<void> list_members(const ServerSurvey& survey, ProcessList& list) {
    if (!survey.postmaster_gone && task_.request.only_postmaster) {
      list.pids = {survey.postmaster.pid};
      return boost::system::in_place_value;
    }
    if (!survey.postmaster_gone) {
      auto members = cluster_members(proc_, survey.postmaster.pid);
      if (!members) return members.error();
      list.pids = *std::move(members);
      return boost::system::in_place_value;
    }
    const auto all = proc_.pids();
    if (!all) return all.error();
    for (const pid_t pid : *all) {
      const auto stat = stat_of(proc_, pid);
      if (!stat || has_ended(*stat) || !is_named_postgres(*stat)) continue;
      if (stat->start_ticks < survey.postmaster.start_ticks) continue;
      const auto parent = stat_of(proc_, stat->ppid);
      if (parent && is_named_postgres(*parent)) continue;
      list.pids.push_back(pid);
    }
    return boost::system::in_place_value;
  }

  /// Every process of a server is a fork of one postmaster, so one of them tells for all.
  Result<void> learn_variables(const ProcessList& list, SurveyReport& report) {
    if (!task_.with_memory) return boost::system::in_place_value;
    for (const pid_t pid : list.pids) {
      const auto stat = stat_of(proc_, pid);
      if (!stat || stat->state == ProcessState::uninterruptible) continue;
      auto text = proc_.read(pid, "maps");
      if (!text || text->empty()) continue;
      const auto mappings = parse_maps(*text);
      if (!mappings) continue;
      if (task_.ask_for_modules && !modules_.covers(*mappings)) {
        report.need_modules = true;
        report.mapped = pid;
        report.maps = *std::move(text);
        return boost::system::in_place_value;
      }
      auto variables = find_interrupt_variables(*mappings, modules_, symbols_);
      if (variables.missing) report.survey.missing.push_back(*std::move(variables.missing));
      if (!variables.postgres) {
        if (pid != report.survey.postmaster.pid || !report.survey.missing.empty()) continue;
        return Error{
            Errc::unsupported,
            "process " + std::to_string(pid) + " (" + stat->comm +
                "), which made the server's socket, is not PostgreSQL's"};
      }
      report.survey.server_version = variables.server_version;
      variables_ = std::move(variables.addresses);
      return boost::system::in_place_value;
    }
    if (report.survey.postmaster_gone) return boost::system::in_place_value;
    if (report.survey.missing.empty()) {
      report.survey.missing.push_back(
          {"interrupts",
           "the memory of none of the server's processes could be read",
           "CAP_SYS_PTRACE"}
      );
    }
    return boost::system::in_place_value;
  }

  [[nodiscard]] bool is_left_behind(const ServerSurvey& survey, const ClusterProcess& process)
      const {
    const auto named = process.sample.flags.postmaster_pid;
    return named && *named == named_postmaster(survey);
  }

  /// The pid by which its children know it: of this host, unless the server counts in another
  /// namespace, and then the daemon has told what it learnt while the postmaster lived.
  [[nodiscard]] std::int64_t named_postmaster(const ServerSurvey& survey) const {
    return task_.request.postmaster_ns_pid != 0 ? task_.request.postmaster_ns_pid
                                                : survey.postmaster.pid;
  }

  void add(const ClusterProcess& process, std::int64_t boot_micros, ServerSurvey& survey) const {
    static const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
    SurveyedProcess& added = survey.processes.emplace_back();
    added.process = process;
    added.process.syscall.reset();
    added.started_at_micros = boot_micros + static_cast<std::int64_t>(process.key.start_ticks) *
                                                1'000'000 / ticks_per_second;
    const auto& flags = process.sample.flags;
    // Its memory answered a moment ago, and what kept it from being read then is not asked again.
    if (!flags.interrupt_pending) return;
    added.stamps = read_session_stamps(ProcessMemory(process.key.pid), variables_, process.ns_pid);
  }

  static void keep_alive(ProcessList& list, ServerSurvey& survey) {
    if (!survey.postmaster_gone) {
      survey.alive = std::move(list.alive);
      return;
    }
    for (const SurveyedProcess& process : survey.processes)
      survey.alive.push_back(process.process.key);
  }

  /// Who made a socket may be a pooler.
  static Result<void> confirm(ServerSurvey& survey) {
    if (survey.postmaster_gone) return boost::system::in_place_value;
    for (const SurveyedProcess& process : survey.processes) {
      if (process.process.key != survey.postmaster) continue;
      survey.postmaster_ns_pid = process.process.ns_pid;
      const auto named = process.process.sample.flags.postmaster_pid;
      if (!named || *named == process.process.ns_pid) return boost::system::in_place_value;
      return Error{
          Errc::unsupported,
          "process " + std::to_string(survey.postmaster.pid) + " is not a postmaster"};
    }
    return boost::system::in_place_value;
  }

  const SurveyTask& task_;
  const ProcFs& proc_;
  const ModuleCache& modules_;
  const VariableSymbols& symbols_;
  VariableAddresses variables_;
};

}  // namespace

SurveyReport run_survey(
    const SurveyTask& task,
    const ProcFs& proc,
    const ModuleCache& modules,
    const VariableSymbols& symbols
) {
  SurveyReport report;
  const auto done = Survey(task, proc, modules, symbols).run(report);
  if (!done) report.failure = CaptureFailure{done.error().code, done.error().context};
  return report;
}

std::string encode_survey(std::uint64_t id, ServerSurvey survey) {
  const std::size_t room = kMaxMessageBytes - kHeaderBytes;
  const std::size_t all = survey.processes.size();
  std::string body = codec::encode(survey);
  while (body.size() > room && !survey.processes.empty()) {
    survey.processes.resize(survey.processes.size() * 3 / 4);
    body = codec::encode(survey);
  }
  if (survey.processes.size() < all) {
    const std::string left_out = std::to_string(all - survey.processes.size());
    survey.missing.push_back({"cluster", left_out + " more are not listed", ""});
    body = codec::encode(survey);
  }
  if (body.size() > room) return encode_failure(id, {Errc::io, "the survey is too large to send"});
  return encode_message({.type = MessageType::surveyed, .id = id}, body);
}

}  // namespace pghang::sampler
