#include "exporters/store/store_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "exporters/json/json.h"
#include "tests/exporters/sample_data.h"

namespace pghang {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

/// A resolved incident, `second` seconds after the epoch.
Incident resolved_at(int second) {
  Incident incident = sample::incident();
  incident.id = "incident-" + std::to_string(second);
  incident.opened_at_micros = second * kSecond;
  incident.stage = Stage::resolved;
  incident.resolved_at_micros = second * kSecond + 1;
  return incident;
}

SignalRecord signal_of(const std::string& incident, int second) {
  SignalRecord record;
  record.at_micros = second * kSecond;
  record.target = "main";
  record.incident = incident;
  record.signal = "cancel";
  record.answer = "accepted";
  record.words = "with \"quotes\"";
  record.rule = "stuck";
  record.why = "query age 12.0s";
  record.backend = {4711, PgTimestamp{77}};
  record.user = "app";
  record.database = "shop";
  record.application_name = "web";
  return record;
}

StoredEscalation escalation(std::uint64_t sighting) {
  return {"main", sighting, "incident-1", "7000", true, "boot", std::string("a\0b", 3)};
}

class Store : public testing::Test {
 protected:
  Store() {
    std::string name = testing::TempDir() + "pghang-store-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "pghangd.db";
  }

  ~Store() override { std::filesystem::remove_all(folder_); }

  void write(const std::vector<Incident>& incidents) {
    auto file = StoreFile::open(path_);
    ASSERT_TRUE(file) << file.error().context;
    StoreChanges changes;
    for (const Incident& incident : incidents)
      changes.put(incident);
    ASSERT_TRUE(file->apply(changes));
  }

  [[nodiscard]] std::string open_error() const {
    const auto file = StoreFile::open(path_);
    return file ? "" : std::string(to_string(file.error().code)) + ": " + file.error().context;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(Store, GivesAnIncidentBackWhole) {
  write({sample::incident()});
  auto file = StoreFile::open_to_read(path_);
  ASSERT_TRUE(file);
  const auto read = file->incident(sample::incident().id);
  ASSERT_TRUE(read);
  EXPECT_EQ(incident_json(*read), incident_json(sample::incident()));
  EXPECT_TRUE(read->wait_graph);
}

TEST_F(Store, IsReadableByItsOwnerOnly) {
  write({sample::incident()});
  const auto file = StoreFile::open(path_);
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat about {};

    ASSERT_EQ(::stat(entry.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(Store, IsReadWhileItIsWritten) {
  auto writer = StoreFile::open(path_);
  ASSERT_TRUE(writer);
  auto reader = StoreFile::open_to_read(path_);
  ASSERT_TRUE(reader);
  StoreChanges changes;
  changes.put(resolved_at(1));
  ASSERT_TRUE(writer->apply(changes));
  EXPECT_EQ(reader->incidents({})->size(), 1U);
}

TEST_F(Store, TellsWhatANextDaemonHasToKnow) {
  StoreChanges changes;
  for (int second = 1; second <= 5; ++second)
    changes.put(resolved_at(second));
  Incident open = sample::incident();
  open.opened_at_micros = 0;
  changes.put(open);
  changes.put(escalation(1));
  changes.put(escalation(2));
  {
    auto file = StoreFile::open(path_);
    ASSERT_TRUE(file->apply(changes));
    StoreChanges later;
    later.erase_escalation("main", 1);
    ASSERT_TRUE(file->apply(later));
  }
  const auto contents = StoreFile::open(path_)->load(2);
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->incidents.size(), 3U);
  EXPECT_EQ(contents->incidents[0].id, "incident-5") << "newest first";
  EXPECT_EQ(contents->incidents[1].id, "incident-4");
  EXPECT_EQ(contents->incidents[2].id, open.id) << "open ones always";
  EXPECT_EQ(contents->escalations, std::vector<StoredEscalation>{escalation(2)});
}

TEST_F(Store, ListsByStateAndTime) {
  Incident open = sample::incident();
  write({resolved_at(1), resolved_at(2), open});
  auto file = StoreFile::open_to_read(path_);
  EXPECT_EQ(file->incidents({.open = true})->size(), 1U);
  EXPECT_EQ(file->incidents({.open = false})->size(), 2U);
  EXPECT_EQ(file->incidents({.open = false, .since_micros = 2 * kSecond})->size(), 1U);
  EXPECT_EQ(file->incidents({.open = std::nullopt, .since_micros = 2 * kSecond})->size(), 2U)
      << "it is still open";
  const auto none = file->incident("incident-3");
  EXPECT_EQ(none.error().code, Errc::not_found);
}

TEST_F(Store, TheAnswerReplacesTheOrderOfASignal) {
  auto file = StoreFile::open(path_);
  StoreChanges ordered;
  SignalRecord record = signal_of("incident-1", 5);
  record.answer = "ordered";
  ordered.put(record);
  ASSERT_TRUE(file->apply(ordered));
  StoreChanges answered;
  answered.put(signal_of("incident-1", 5));
  ASSERT_TRUE(file->apply(answered));
  EXPECT_EQ(*file->signals({}), std::vector<SignalRecord>{signal_of("incident-1", 5)});
  EXPECT_EQ(file->signals_of("incident-1")->size(), 1U);
  EXPECT_TRUE(file->signals_of("incident-2")->empty());
  EXPECT_TRUE(file->signals({.open = std::nullopt, .since_micros = 6 * kSecond})->empty());
}

TEST_F(Store, OldIncidentsGoWithTheirSignalsAndOpenOnesStay) {
  auto file = StoreFile::open(path_);
  StoreChanges changes;
  Incident open = sample::incident();
  open.opened_at_micros = 0;
  changes.put(open);
  for (int second = 1; second <= 10; ++second) {
    changes.put(resolved_at(second));
    changes.put(signal_of("incident-" + std::to_string(second), second));
  }
  ASSERT_TRUE(file->apply(changes));
  ASSERT_TRUE(file->trim(6 * kSecond, 1U << 30U));
  EXPECT_EQ(file->incidents({})->size(), 6U);
  EXPECT_EQ(file->signals({})->size(), 5U);
  EXPECT_TRUE(file->incident(open.id));
}

TEST_F(Store, ShrinksToItsSizeByTheOldest) {
  auto file = StoreFile::open(path_);
  StoreChanges changes;
  for (int second = 1; second <= 500; ++second)
    changes.put(resolved_at(second));
  ASSERT_TRUE(file->apply(changes));
  constexpr std::uint64_t kLimit = 512U << 10U;
  ASSERT_GT(*file->bytes(), kLimit);
  ASSERT_TRUE(file->trim(0, kLimit));
  EXPECT_LE(std::filesystem::file_size(path_), kLimit);
  const auto left = file->incidents({});
  EXPECT_GT(left->size(), 10U);
  EXPECT_EQ(left->front().id, "incident-500");
}

TEST_F(Store, OneDaemonAtATimeWrites) {
  const auto file = StoreFile::open(path_);
  ASSERT_TRUE(file);
  EXPECT_EQ(open_error(), "busy: " + path_ + ": another pghangd writes to it");
}

TEST_F(Store, WhatIsNoDatabaseIsMalformed) {
  std::ofstream(path_) << "this is no database, and longer than the header of one: "
                       << std::string(4096, 'x');
  EXPECT_TRUE(open_error().starts_with("malformed: ")) << open_error();
}

TEST_F(Store, DamageIsFound) {
  std::vector<Incident> many;
  for (int second = 1; second <= 100; ++second)
    many.push_back(resolved_at(second));
  write(many);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(64UL << 10U, '\xff');
  file.close();
  EXPECT_TRUE(open_error().starts_with("malformed: ")) << open_error();
}

TEST_F(Store, ALaterVersionIsSaidToBeOne) {
  write({resolved_at(1)});
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);  // user_version, big-endian (sqlite.org/fileformat2.html)
  file << std::string("\0\0\0\x09", 4);
  file.close();
  EXPECT_EQ(open_error(), "unsupported: " + path_ + ": is of format 9, this pghangd knows up to 1");
}

TEST_F(Store, AnotherProgramsDatabaseIsLeftAlone) {
  write({resolved_at(1)});
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(68);  // application_id
  file << std::string("\0\0\0\x01", 4);
  file.close();
  EXPECT_TRUE(open_error().starts_with("refused: ")) << open_error();
}

TEST_F(Store, IsMovedAsideWithItsLog) {
  write({resolved_at(1)});
  std::ofstream(path_ + "-wal") << "log";
  const auto aside = move_store_aside(path_, "corrupt", sample::kNow);
  ASSERT_TRUE(aside);
  EXPECT_EQ(*aside, path_ + ".corrupt-20261122T151203Z");
  EXPECT_TRUE(std::filesystem::exists(*aside + "-wal"));
  EXPECT_EQ(open_error(), "");
  EXPECT_TRUE(StoreFile::open(path_)->incidents({})->empty());
}

TEST_F(Store, AFolderThatIsNotThereIsSaid) {
  path_ = folder_ / "missing" / "pghangd.db";
  EXPECT_TRUE(open_error().starts_with("not_found: ")) << open_error();
  EXPECT_EQ(StoreFile::open_to_read(path_).error().code, Errc::not_found);
}

TEST(StoreChanges, KeepOfEachThingTheLatestOnly) {
  StoreChanges changes;
  changes.put(escalation(1));
  const std::size_t once = changes.bytes();
  StoredEscalation later = escalation(1);
  later.boot = "later";
  StoreChanges newer;
  newer.put(later);
  newer.erase_escalation("main", 2);
  EXPECT_EQ(changes.add_newer(std::move(newer), 1U << 20U), 0U);
  EXPECT_GT(changes.bytes(), once);
  ASSERT_EQ(changes.escalations().size(), 2U);
  EXPECT_EQ(changes.escalations().at({"main", 1}), later);
  EXPECT_EQ(changes.escalations().at({"main", 2}), std::nullopt);
}

TEST(StoreChanges, LeaveOutWhatIsTooMuchAndSayHowMuch) {
  StoreChanges changes;
  changes.put(resolved_at(1));
  const std::size_t limit = changes.bytes() + 1000;
  StoreChanges newer;
  newer.put(resolved_at(1));  // replaces
  newer.put(resolved_at(2));
  newer.put(escalation(1));
  EXPECT_EQ(changes.add_newer(std::move(newer), limit), 1U);
  EXPECT_EQ(changes.incidents().size(), 1U);
  EXPECT_EQ(changes.escalations().size(), 1U) << "it tells what must not be sent again";
  EXPECT_LE(changes.bytes(), limit);
}

}  // namespace
}  // namespace pghang
