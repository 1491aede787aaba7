#include "daemon/chronicle/incident_store.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "exporters/store/store_file.h"

namespace pghang {
namespace {

using std::chrono::seconds;

Incident incident(const std::string& id, std::size_t bytes = 10) {
  Incident incident;
  incident.id = id;
  incident.opened_at_micros = 1;
  incident.capture_error = std::string(bytes, 'x');
  return incident;
}

class StoreThread : public testing::Test {
 protected:
  StoreThread() {
    std::string name = testing::TempDir() + "pghang-thread-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "pghangd.db";
  }

  ~StoreThread() override { std::filesystem::remove_all(folder_); }

  IncidentStore::Handlers handlers() {
    return {
        [this](const StoreNews& news) { told_.emplace_back(news.kind, news.words); },
        [this](StoreContents contents) { late_ = std::move(contents); },
        [this] {
          ++begun_anew_;
        }};
  }

  template <typename T>
  T wait(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(work), [&](const std::exception_ptr&, T value) {
      result = std::move(value);
    });
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }

  void run_until(const std::function<bool()>& done) {
    loop_.restart();
    const auto work = boost::asio::make_work_guard(loop_);
    while (!done() && loop_.run_one_for(seconds(20)) > 0) {
    }
    ASSERT_TRUE(done());
  }

  [[nodiscard]] bool told(StoreNews::Kind kind) const {
    for (const auto& entry : told_) {
      if (entry.first == kind) return true;
    }
    return false;
  }

  std::filesystem::path folder_;
  std::string file_;
  boost::asio::io_context loop_{1};
  std::vector<std::pair<StoreNews::Kind, std::string>> told_;
  std::optional<StoreContents> late_;
  int begun_anew_ = 0;
};

TEST_F(StoreThread, WritesBesideTheLoop) {
  {
    IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
    ASSERT_TRUE(wait(store.load(seconds(20))));
    store.put(incident("a"));
    EXPECT_TRUE(wait(store.written(seconds(20))));
    EXPECT_TRUE(store.status().up);
    store.put(incident("b"));  // written as the daemon ends
  }
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(StoreFile::open(file_)->load(10)->incidents.size(), 2U);
}

TEST_F(StoreThread, WhatCannotBeWrittenWaitsUntilItCan) {
  file_ = folder_ / "later" / "pghangd.db";
  IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
  EXPECT_FALSE(wait(store.load(seconds(20)))) << "it does not wait for what has failed";
  ASSERT_TRUE(told(StoreNews::Kind::failed));
  EXPECT_NE(told_[0].second.find("No such file or directory"), std::string::npos);
  store.put(incident("a"));
  EXPECT_FALSE(wait(store.written(seconds(20))));
  EXPECT_FALSE(store.status().up);
  std::filesystem::create_directory(folder_ / "later");
  run_until([&] { return told(StoreNews::Kind::works); });
  EXPECT_TRUE(wait(store.written(seconds(20))));
  EXPECT_TRUE(store.status().up);
  EXPECT_TRUE(late_) << "what it holds came too late to be gone on with";
  EXPECT_EQ(StoreFile::open_to_read(file_)->incidents({})->size(), 1U);
}

TEST_F(StoreThread, EscalationsThatCameTooLateAreForgotten) {
  {
    StoreChanges changes;
    for (const std::uint64_t sighting : {1U, 2U})
      changes.put(StoredEscalation{"main", sighting, "", "", false, "", "old"});
    ASSERT_TRUE(StoreFile::open(file_)->apply(changes));
  }
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  const std::filesystem::path away = folder_.string() + "-away";
  std::filesystem::rename(folder_, away);
  IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
  EXPECT_FALSE(wait(store.load(seconds(20))));
  store.put(StoredEscalation{"main", 1, "", "", false, "", "new"});
  store.flush();
  std::filesystem::rename(away, folder_);
  run_until([&] { return late_.has_value(); });
  EXPECT_TRUE(wait(store.written(seconds(20))));
  auto read = StoreFile::open_to_read(file_)->load(10);
  ASSERT_EQ(read->escalations.size(), 1U);
  EXPECT_EQ(read->escalations[0].record, "new");
}

TEST_F(StoreThread, DropsAndCountsWhatIsTooMuch) {
  file_ = folder_ / "never" / "pghangd.db";
  IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
  EXPECT_FALSE(wait(store.load(seconds(20))));
  for (int i = 0; i < 10; ++i) {
    store.put(incident(std::to_string(i), 1U << 20U));
    store.flush();
  }
  EXPECT_GE(store.status().dropped, 6U);
  EXPECT_LT(store.status().dropped, 10U);
}

TEST_F(StoreThread, ADamagedFileIsMovedAsideAndANewOneBegun) {
  std::ofstream(file_) << std::string(10'000, 'x');
  IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
  const auto contents = wait(store.load(seconds(20)));
  ASSERT_TRUE(contents);
  EXPECT_TRUE(contents->incidents.empty());
  EXPECT_TRUE(told(StoreNews::Kind::moved_aside));
  EXPECT_NE(told_[0].second.find(".damaged-"), std::string::npos);
}

TEST_F(StoreThread, AFileThatIsDamagedMeanwhileIsBegunAnewWithEverything) {
  IncidentStore store(loop_.get_executor(), file_, {}, 10, handlers());
  ASSERT_TRUE(wait(store.load(seconds(20))));
  const auto put_many = [&] {
    for (int i = 0; i < 200; ++i)  // more than SQLite keeps in memory
      store.put(incident(std::to_string(i), 10'000));
    store.flush();
  };
  put_many();
  ASSERT_TRUE(wait(store.written(seconds(20))));
  {
    const auto size = std::filesystem::file_size(file_);
    std::fstream damage(file_, std::ios::in | std::ios::out | std::ios::binary);
    damage << std::string(size, '\xff');
  }
  put_many();
  run_until([&] { return begun_anew_ > 0; });
  EXPECT_TRUE(told(StoreNews::Kind::moved_aside));
  EXPECT_TRUE(wait(store.written(seconds(20))));
  EXPECT_TRUE(StoreFile::open_to_read(file_)->incident("199"));
}

TEST(StoreFilePath, MayBeSystemds) {
  ::unsetenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(store_file("${STATE_DIRECTORY}/pghangd.db"), "") << "none without it";
  EXPECT_EQ(store_file("${STATE_DIRECTORY}/x.db", "/var/lib/pghangd"), "/var/lib/pghangd/x.db");
  EXPECT_EQ(store_file("/srv/x.db"), "/srv/x.db");
  EXPECT_EQ(store_file(""), "");
  ::setenv("STATE_DIRECTORY", "/run/state", 1);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(store_file("${STATE_DIRECTORY}/pghangd.db"), "/run/state/pghangd.db");
  ::setenv("STATE_DIRECTORY", "/run/state:/run/other", 1);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(store_file("${STATE_DIRECTORY}/pghangd.db"), "/run/state/pghangd.db") << "the first";
  ::unsetenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace pghang
