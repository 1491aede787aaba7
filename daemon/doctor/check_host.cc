#include <sstream>

#include "daemon/doctor/capability_names.h"
#include "daemon/doctor/checks.h"

namespace pghang::doctor {
namespace {

constexpr const char* kAsTheService = "sudo pghangd doctor --user pghangd";

CheckLine check_capability(const NamedCapability& needed, bool held) {
  const std::string check = std::string("capability ") + needed.name;
  if (held) return {Grade::ok, check, "held by the sampler", ""};
  return {
      needed.number == CAP_SYS_NICE ? Grade::warn : Grade::fail,
      check,
      std::string("not held by the sampler: ") + needed.without,
      std::string("AmbientCapabilities= and CapabilityBoundingSet= of the unit, as shipped, have "
      ) + needed.name +
          "; by hand " + kAsTheService};
}

CheckLine check_optional(std::uint64_t capabilities) {
  std::string held;
  std::string absent;
  for (const NamedCapability& optional : kOptional) {
    std::string& list = holds(capabilities, optional.number) ? held : absent;
    if (!list.empty()) list += ", ";
    list += optional.name + std::string(" (") + optional.without + ")";
  }
  std::string text;
  if (!held.empty()) text = "held: " + held;
  if (!held.empty() && !absent.empty()) text += "; ";
  if (!absent.empty()) text += "not held, and not needed without a reason: " + absent;
  return {Grade::ok, "capabilities, optional", text, ""};
}

CheckLine check_ptrace_scope(const std::optional<int>& scope, bool may_trace) {
  const std::string check = "kernel.yama.ptrace_scope";
  if (!scope) return {Grade::ok, check, "no Yama in this kernel", ""};
  const std::string value = std::to_string(*scope);
  if (*scope >= 3) {
    return {
        Grade::fail,
        check,
        value + ": nobody may read another process's memory, whatever capability he has",
        "set it to 2 or less in /etc/sysctl.d and restart the machine: the kernel does not take a "
        "3 back"};
  }
  if (*scope >= 1 && !may_trace) {
    return {
        Grade::fail,
        check,
        value + ": only who has CAP_SYS_PTRACE may read another process's memory",
        "give the sampler CAP_SYS_PTRACE; the setting may stay"};
  }
  return {
      Grade::ok,
      check,
      value + (*scope == 0 ? "" : ", and the sampler has CAP_SYS_PTRACE"),
      ""};
}

CheckLine check_hidepid(const std::string& hidden, bool may_trace) {
  const std::string check = "hidepid of /proc";
  if (hidden.empty()) return {Grade::ok, check, "off", ""};
  if (may_trace) return {Grade::ok, check, hidden + ", which CAP_SYS_PTRACE sees through", ""};
  return {
      Grade::fail,
      check,
      hidden + ": the processes of other users cannot be seen",
      "give the sampler CAP_SYS_PTRACE"};
}

CheckLine check_perf(const std::optional<int>& paranoid, bool may_trace_by_perf) {
  const std::string check = "kernel.perf_event_paranoid";
  if (!paranoid)
    return {Grade::ok, check, "no perf events in this kernel: diagnose --trace uses ptrace", ""};
  const std::string value = std::to_string(*paranoid);
  if (*paranoid <= 1 || may_trace_by_perf) return {Grade::ok, check, value, ""};
  return {
      Grade::ok,
      check,
      value +
          ": diagnose --trace, which the daemon never does, would stop the backend; by root it "
          "would not",
      ""};
}

}  // namespace

std::string hidepid_of(const std::string& mountinfo) {
  std::istringstream lines(mountinfo);
  std::string value;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields;
    for (std::string word; words >> word;)
      fields.push_back(word);
    if (fields.size() < 5 || fields[4] != "/proc") continue;
    // The last mount there is the one that is seen.
    value.clear();
    const std::string& options = fields.back();
    const std::size_t at = options.find("hidepid=");
    if (at == std::string::npos) continue;
    const std::size_t begin = at + std::string("hidepid=").size();
    value = options.substr(begin, options.find(',', begin) - begin);
    if (value == "0" || value == "off") value.clear();
  }
  return value;
}

CheckList check_privileges(const PrivilegeFacts& facts) {
  CheckList checks;
  if (facts.uid == 0) {
    checks.push_back(
        {Grade::warn,
         "user",
         "root: what root may says nothing of what the service may",
         kAsTheService}
    );
  } else {
    checks.push_back({Grade::ok, "user", facts.user, ""});
  }
  if (facts.sampler) {
    checks.push_back(
        {Grade::fail,
         "sampler",
         facts.sampler_program + " does not run: " + facts.sampler->context,
         "install pghangd-sampler of the same release beside pghangd, with its libraries: ldd " +
             facts.sampler_program}
    );
    return checks;
  }
  checks.push_back({Grade::ok, "sampler", facts.sampler_program + " runs", ""});
  for (const NamedCapability& needed : kNeeded) {
    checks.push_back(check_capability(needed, holds(facts.capabilities, needed.number)));
  }
  checks.push_back(check_optional(facts.capabilities));
  return checks;
}

CheckList check_own_signals(const Settings& settings, std::uint64_t capabilities) {
  if (!settings.signal_without_sql) return {};
  const std::string check = "capability CAP_KILL";
  if (holds(capabilities, CAP_KILL))
    return {{Grade::ok, check, "held by the sampler, for signal_without_sql", ""}};
  return {
      {Grade::fail,
       check,
       "not held by the sampler: every signal of signal_without_sql will be refused",
       "sudo install -D -t /etc/systemd/system/pghangd.service.d "
       "/usr/share/doc/pghangd/examples/systemd/signal-without-sql.conf, then systemctl "
       "daemon-reload and restart"}};
}

CheckList check_kernel(const KernelFacts& facts, std::uint64_t capabilities) {
  const bool may_trace = holds(capabilities, CAP_SYS_PTRACE);
  CheckList checks;
  checks.push_back(check_ptrace_scope(facts.ptrace_scope, may_trace));
  checks.push_back(check_hidepid(hidepid_of(facts.mounts), may_trace));
  checks.push_back(
      {Grade::ok,
       "kernel.kptr_restrict",
       facts.kptr_restrict ? std::to_string(*facts.kptr_restrict) +
                                 ": kernel stacks and wchan have names whatever it says"
                           : "not there",
       ""}
  );
  checks.push_back(check_perf(
      facts.perf_event_paranoid,
      holds(capabilities, CAP_PERFMON) || holds(capabilities, CAP_SYS_ADMIN)
  ));
  return checks;
}

CheckList check_libraries(const LibraryFacts& facts) {
  const std::string loaded = "libpq " + std::to_string(facts.libpq_release) + " is loaded";
  if (facts.libpq_release < 10) {
    return {
        {Grade::fail,
         "libraries",
         loaded + ": it cannot authenticate by SCRAM",
         "install libpq5 of release 10 or later"}};
  }
  return {{Grade::ok, "libraries", loaded + "; built with " + facts.built_with, ""}};
}

CheckLine check_address(const AddressFacts& facts) {
  const std::string check = "listen " + facts.address;
  if (!facts.error) return {Grade::ok, check, "free", ""};
  if (facts.ours) return {Grade::ok, check, "in use by a pghangd, which is healthy", ""};
  if (facts.error->code == Errc::malformed) {
    return {Grade::fail, check, facts.error->context, "web.listen_addresses: 127.0.0.1:10187"};
  }
  const std::string port = facts.address.substr(facts.address.rfind(':') + 1);
  return {
      Grade::fail,
      check,
      "cannot be listened on: " + facts.error->context,
      "see who has it: ss -ltnp 'sport = :" + port +
          "'; or choose another in web.listen_addresses (or --web.listen-address)"};
}

}  // namespace pghang::doctor
