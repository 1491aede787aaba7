#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "collectors/evidence/archive.h"
#include "daemon/escalation/tracker.h"
#include "diagnosis/report.h"
#include "exporters/json/json.h"
#include "exporters/store/store_file.h"
#include "tests/fuzz/base_file.h"
#include "tests/fuzz/explain.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

using escalation::BreakerEvent;
using escalation::Census;
using escalation::Orders;
using escalation::RuleMatcher;
using escalation::Safeguards;
using escalation::SavedBreaker;
using escalation::SavedSafeguards;
using escalation::SavedSighting;
using escalation::SignalAnswer;
using escalation::SignalOrder;
using escalation::TimePoint;
using escalation::Tracker;
using std::chrono::hours;

void tell(const Incident& incident) {
  if (incident.evidence) explain(*incident.evidence);
  expect(!render_incident(incident).empty(), "an incident has a report");
  expect(incident_json(incident).front() == '{', "an incident is an object");
}

void incident_record(std::string_view record) {
  Incident incident;
  if (!unpack_incident(record, incident)) return;
  tell(incident);
  Incident again;
  expect(unpack_incident(pack_incident(incident), again), "a packed incident can be read");
}

Settings settings() {
  Settings settings = default_settings();
  settings.mode = Mode::enforce;
  return settings;
}

Activity row_of(const SavedSighting& saved) {
  Activity row = saved.activity;
  row.key = saved.guard.backend;
  row.xact_start = saved.guard.xact_start;
  row.query_start = saved.guard.query_start;
  row.state_change = saved.guard.state_change;
  row.state = saved.guard.state;
  return row;
}

void sighting_record(std::string_view record) {
  const Settings all = settings();
  SavedSighting saved;
  if (!archive::get(record, saved)) return;
  saved.id = 1;  // as take_up() does, by the row's key
  for (const bool same_boot : {true, false}) {
    Tracker tracker(all.mode, all.sampling.repeat, RuleMatcher(all.rules));
    tracker.safeguards().configure(all);
    const TimePoint now = TimePoint(hours(1));
    (void)tracker.resume({saved}, same_boot, now);
    ActivitySnapshot snapshot;
    snapshot.rows = {row_of(saved)};
    for (const int later : {1, 2, 100}) {
      const Orders orders = tracker.observe(snapshot, now + hours(later));
      expect(orders.signals.size() <= 1, "one signal to one backend");
      for (const SignalOrder& order : orders.signals)
        (void)tracker.signal_answered(order.id, order.kind, SignalAnswer::refused, "", now);
    }
    for (const SavedSighting& again : tracker.saved())
      expect(again.guard.backend == saved.guard.backend, "it is the same backend's");
  }
}

void safeguards_record(std::string_view record) {
  SavedSafeguards saved;
  if (!archive::get(record, saved)) return;
  for (const bool same_boot : {true, false}) {
    Safeguards safeguards;
    safeguards.configure(settings());
    const TimePoint now = TimePoint(hours(1));
    for (const BreakerEvent& event : safeguards.resume(saved, same_boot, now))
      expect(safeguards.restrains(event.rule, true, now).has_value(), "an open breaker restrains");
    Census census;
    for (const SavedBreaker& breaker : saved.breakers)
      census.matches[breaker.rule] = 1;
    (void)safeguards.polled(census, now);
    (void)safeguards.polled(census, now + hours(1));
    for (const auto& [rule, breaker] : safeguards.breakers())
      expect(!breaker.open(), "without a new high it closes");
    expect(safeguards.saved(now + hours(2)).spent.empty(), "an hour later nothing counts");
  }
}

/// Where the files lie; one for each process.
const std::string& folder() {
  struct Folder {
    std::string name = "/dev/shm/pghang-fuzz-XXXXXX";

    Folder() { expect(::mkdtemp(name.data()) != nullptr, "there is room in memory"); }

    ~Folder() { std::filesystem::remove_all(name); }
  };

  static const Folder kFolder;
  return kFolder.name;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A file with a row in each table.
BaseFile right_file() {
  const std::string path = folder() + "/right.db";
  StoreChanges changes;
  Incident incident;
  incident.id = "incident-1";
  incident.target = "main";
  changes.put(incident);
  changes.put(StoredEscalation{"main", 1, "incident-1", "7000", false, "boot", "record"});
  SignalRecord signal;
  signal.target = "main";
  signal.incident = "incident-1";
  signal.signal = "cancel";
  changes.put(signal);
  {
    auto file = StoreFile::open(path);
    expect(file && file->apply(changes), "a store can be made");
  }
  std::ifstream file(path, std::ios::binary);
  return BaseFile({std::istreambuf_iterator<char>(file), {}});
}

void ask(StoreFile& file) {
  if (const auto contents = file.load(10))
    for (const Incident& incident : contents->incidents)
      tell(incident);
  (void)file.signals({});
  (void)file.signals_of("incident-1");
  (void)file.incident("incident-1");
  (void)file.bytes();
}

void damaged_file(Input& input) {
  static const BaseFile kRight = right_file();
  const std::string path = folder() + "/damaged.db";
  for (const char* suffix : {"-wal", "-shm", ".lock"})
    std::filesystem::remove(path + suffix);
  write(path, damaged(kRight, input));
  if (auto read = StoreFile::open_to_read(path)) ask(*read);
  if (auto file = StoreFile::open(path)) {
    ask(*file);
    (void)file->trim(1, 1);
  }
}

}  // namespace

void store(std::string_view bytes) {
  Input input(bytes);
  switch (input.number<std::uint8_t>() % 4) {
    case 0: return incident_record(input.rest());
    case 1: return sighting_record(input.rest());
    case 2: return safeguards_record(input.rest());
    default: return damaged_file(input);
  }
}

}  // namespace pghang::fuzz
