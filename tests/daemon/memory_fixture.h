#pragma once

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "daemon/chronicle/chronicle.h"
#include "daemon/chronicle/incident_store.h"
#include "daemon/service/logger.h"
#include "daemon/targets/escalation_memory.h"
#include "daemon/targets/target_monitor.h"
#include "exporters/store/store_file.h"
#include "tests/daemon/monitor_fixture.h"

/// A monitor with a store, and the next daemon's monitor over the same file.
namespace pghang::tests {

/// Graces of an hour: nothing becomes due while a test runs.
inline Settings patient() {
  Settings settings = enforcing();
  settings.rules[0].cancel_grace = std::chrono::hours(1);
  settings.rules[0].terminate_grace = std::chrono::hours(1);
  return settings;
}

/// All of a daemon that matters here.
struct Daemon {
  boost::asio::io_context loop{1};
  View view;
  Metrics metrics{"test"};
  Logger log{LogLevel::error, LogFormat::logfmt};
  Chronicle chronicle{view, metrics, log, Incidents{}, [] {
                        return wall_clock_micros();
                      }};
  std::unique_ptr<IncidentStore> store;
  std::unique_ptr<TargetMonitor> monitor;
  int waiting = 0;

  Daemon(fakes::FakeServer& server, const std::string& file, const Settings& settings) {
    store = std::make_unique<IncidentStore>(
        loop.get_executor(),
        file,
        settings.store,
        100,
        IncidentStore::Handlers{
            [](const StoreNews& news) { ADD_FAILURE() << news.words; },
            [](const StoreContents&) { ADD_FAILURE() << "late"; },
            [] {
              ADD_FAILURE() << "begun anew";
            }}
    );
    monitor = std::make_unique<TargetMonitor>(
        "main",
        settings,
        server,
        server,
        server,
        chronicle,
        [](const escalation::CaptureOrder&) {}
    );
    std::optional<StoreContents> contents = wait(store->load(std::chrono::seconds(10)));
    EXPECT_TRUE(contents);
    chronicle.keep_in(*store);
    if (!contents) return;
    chronicle.take_up(std::move(contents->incidents));
    monitor->remember_in(*store, std::move(contents->escalations));
  }

  /// Also while another one is waited for.
  template <typename T>
  T wait(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    if (waiting++ == 0) loop.restart();
    boost::asio::co_spawn(loop, std::move(work), [&](const std::exception_ptr&, T value) {
      result = std::move(value);
    });
    while (!result)
      loop.run_one();
    --waiting;
    return std::move(*result);
  }

  void poll() { (void)wait(monitor->poll_once()); }

  /// As SIGKILL does it, but for what is on its way to the disk.
  void die() {
    EXPECT_TRUE(wait(store->written(std::chrono::seconds(10))));
    monitor.reset();
    store.reset();
  }
};

class Memory : public testing::Test {
 protected:
  Memory() {
    std::string name = testing::TempDir() + "pghang-memory-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "pghangd.db";
    server_.rows = {active(kStuck)};
  }

  ~Memory() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Daemon> daemon(const Settings& settings = patient()) {
    return std::make_unique<Daemon>(server_, file_, settings);
  }

  /// Between a signal and its answer: what is on the disk in that moment is what is left.
  void die_while_sending(std::unique_ptr<Daemon> first, const std::string& copy) {
    server_.before_delivery = [&] {
      std::filesystem::copy_file(file_, copy);
      std::filesystem::copy_file(file_ + "-wal", copy + "-wal");
    };
    first->poll();
    server_.before_delivery = [] {
    };
    first->die();
    file_ = copy;
  }

  [[nodiscard]] std::vector<SignalRecord> signals() const {
    return *StoreFile::open_to_read(file_)->signals({});
  }

  /// Without the budget's.
  [[nodiscard]] std::vector<StoredEscalation> escalations() const {
    std::vector<StoredEscalation> rows = StoreFile::open(file_)->load(100)->escalations;
    std::erase_if(rows, [](const StoredEscalation& row) { return row.sighting == kSafeguardsRow; });
    return rows;
  }

  std::filesystem::path folder_;
  std::string file_;
  fakes::FakeServer server_;
};

}  // namespace pghang::tests
