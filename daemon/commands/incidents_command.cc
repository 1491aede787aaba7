#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "config/units.h"
#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/commands/commands.h"
#include "daemon/service/service_folder.h"
#include "diagnosis/report.h"
#include "diagnosis/text.h"
#include "exporters/json/json.h"
#include "exporters/json/json_signals.h"
#include "exporters/store/store_file.h"

namespace pghang {
namespace {

ExitCode fail(const Error& error) {
  std::fprintf(stderr, "pghangd: %s: %s\n", to_string(error.code), error.context.c_str());
  return error.code == Errc::permission_denied ? ExitCode::permission : ExitCode::no_result;
}

/// The store, or how the command ends.
struct Opened {
  std::optional<StoreFile> file;
  ExitCode code = ExitCode::done;
};

Opened open_store(const IncidentsOptions& options) {
  std::string path = options.store;
  if (path.empty()) {
    const LoadedConfig loaded = load_config(options.config_file);
    for (const ConfigProblem& problem : loaded.problems)
      std::fprintf(stderr, "%s\n", to_string(problem).c_str());
    if (!loaded.ok()) return {std::nullopt, ExitCode::configuration};
    path = store_file(loaded.settings.store.file, kStateDirectory);
    if (path.empty()) {
      return {std::nullopt, fail({Errc::not_found, "no store: store.file is empty"})};
    }
  }
  auto opened = StoreFile::open_to_read(path);
  if (!opened) return {std::nullopt, fail(opened.error())};
  return {std::move(*opened), ExitCode::done};
}

/// False, with a line on stderr, when --since is no duration.
bool read_filter(const IncidentsOptions& options, StoreFilter& filter) {
  if (!options.state.empty()) filter.open = options.state == "open";
  if (options.since.empty()) return true;
  const Result<Duration> since = parse_duration(options.since);
  if (!since) {
    std::fprintf(stderr, "pghangd: --since: %s\n", since.error().context.c_str());
    return false;
  }
  filter.since_micros = wall_clock_micros() - std::chrono::microseconds(*since).count();
  return true;
}

void print_row(const std::vector<std::string>& columns, const std::vector<int>& widths) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    line += text::printable(columns[i]);
    if (i + 1 == columns.size()) break;
    const auto width = static_cast<std::size_t>(widths[i]);
    line.append(columns[i].size() < width ? width - columns[i].size() : 0, ' ');
    line += "  ";
  }
  std::printf("%s\n", line.c_str());
}

std::string duration_of(const Incident& incident) {
  const std::int64_t end = incident.resolved_at_micros.value_or(wall_clock_micros());
  return text::seconds(static_cast<double>(end - incident.opened_at_micros) / 1e6);
}

void print_list(const std::vector<Incident>& incidents) {
  const std::vector<int> widths{24, 14, 14, 9, 18, 20};
  print_row({"INCIDENT", "STAGE", "OUTCOME", "LASTED", "CAUSE", "RULE", "WHO"}, widths);
  for (const Incident& incident : incidents) {
    const Activity& who = incident.activity;
    print_row(
        {incident.id,
         to_string(incident.stage),
         incident.outcome ? to_string(*incident.outcome) : "-",
         duration_of(incident),
         incident.verdict ? to_string(incident.verdict->cause) : "-",
         incident.rule,
         who.user.value_or("-") + '@' + who.database.value_or("-") + " on " + incident.target},
        widths
    );
  }
}

void print_signals(const std::vector<SignalRecord>& signals) {
  for (const SignalRecord& signal : signals) {
    std::string line = text::utc(signal.at_micros) + "  " + signal.signal + " to pid " +
                       std::to_string(signal.backend.pid) + " (" + signal.user + '@' +
                       signal.database + ", " + signal.application_name + ") on " + signal.target +
                       ": " + signal.answer;
    if (!signal.words.empty()) line += " (" + signal.words + ')';
    line += "; rule " + signal.rule + ": " + signal.why + "; incident " + signal.incident;
    std::printf("%s\n", text::printable(line).c_str());
  }
}

}  // namespace

ExitCode list_incidents_command(const IncidentsOptions& options) {
  StoreFilter filter;
  if (!read_filter(options, filter)) return ExitCode::usage;
  Opened store = open_store(options);
  if (!store.file) return store.code;
  auto incidents = store.file->incidents(filter);
  if (!incidents) return fail(incidents.error());
  if (!options.json) {
    print_list(*incidents);
    return ExitCode::done;
  }
  const std::deque<Incident> found(incidents->begin(), incidents->end());
  std::printf("%s\n", incidents_json(list_incidents(found)).c_str());
  return ExitCode::done;
}

ExitCode show_incident_command(const IncidentsOptions& options) {
  Opened store = open_store(options);
  if (!store.file) return store.code;
  const auto incident = store.file->incident(options.id);
  if (!incident) return fail(incident.error());
  if (options.json) {
    std::printf("%s\n", incident_json(*incident).c_str());
    return ExitCode::done;
  }
  std::fputs(render_incident(*incident).c_str(), stdout);
  const auto signals = store.file->signals_of(options.id);
  if (!signals) return fail(signals.error());
  std::printf("\nSignals sent\n");
  if (signals->empty()) std::printf("none\n");
  print_signals(*signals);
  return ExitCode::done;
}

ExitCode audit_command(const IncidentsOptions& options) {
  StoreFilter filter;
  if (!read_filter(options, filter)) return ExitCode::usage;
  Opened store = open_store(options);
  if (!store.file) return store.code;
  const auto signals = store.file->signals(filter);
  if (!signals) return fail(signals.error());
  if (options.json) {
    std::printf("%s\n", signals_json(*signals).c_str());
  } else {
    print_signals(*signals);
  }
  return ExitCode::done;
}

}  // namespace pghang
