#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/settings.h"
#include "daemon/chronicle/beside.h"
#include "exporters/store/changes.h"

namespace pghang {

/// What the store's thread has to say.
struct StoreNews {
  enum class Kind {
    moved_aside,  ///< the file was damaged, or of a later version: a new one is begun
    failed,       ///< opening or writing failed, or hangs; it is tried again
    works,        ///< written, after `failed`
    unreadable,   ///< some records do not parse: those incidents are lost
    late,         ///< the file was opened after load() had given up
  };
  Kind kind = Kind::works;
  std::string words;
};

struct StoreStatus {
  bool up = false;  ///< opened, and all that was given to it so far is written or on its way
  std::uint64_t bytes = 0;
  std::uint64_t failures = 0;
  std::uint64_t dropped = 0;  ///< changes lost because the disk did not keep up
};

/// The incident store (exporters/store) on a thread of its own: nothing here waits for the disk,
/// except where a deadline says how long. What cannot be written waits, of each thing the latest
/// state, and beyond kMaxWaitingBytes is dropped and counted. Loop thread only.
class IncidentStore {
 public:
  static constexpr std::size_t kMaxWaitingBytes = 4U << 20U;

  using Tell = std::function<void(const StoreNews&)>;
  /// What load() did not wait for.
  using Late = std::function<void(StoreContents)>;

  struct Handlers {
    Tell tell;
    Late late;
    std::function<void()> begun_anew;  ///< the file is new: everything has to be put again
  };

  /// `file`: its path. The handlers run on the executor, never after the store is gone.
  /// `keep`: how many resolved incidents load() gives.
  IncidentStore(
      const boost::asio::any_io_executor& executor,
      std::string file,
      const StoreSettings& settings,
      std::size_t keep,
      Handlers handlers
  );
  IncidentStore(const IncidentStore&) = delete;
  IncidentStore& operator=(const IncidentStore&) = delete;
  /// Gives the disk 300 ms to take what waits, and as long to close the file.
  ~IncidentStore();

  /// What the last daemon left behind; nothing when it cannot be had within `patience`. At most
  /// once, before anything is put.
  [[nodiscard]] boost::asio::awaitable<std::optional<StoreContents>> load(
      std::chrono::milliseconds patience
  );

  /// From the next flush() on, together and at once or not at all.
  void put(const Incident& incident);
  void put(StoredEscalation escalation);
  void put(SignalRecord signal);
  void erase_escalation(const std::string& target, std::uint64_t sighting);
  void flush();

  /// Flushes, and waits until it is written, for at most `patience`; not at all while the disk has
  /// not answered in time before. Returns whether it is written.
  [[nodiscard]] boost::asio::awaitable<bool> written(std::chrono::milliseconds patience);

  /// Looks for a write that hangs. Call it now and then.
  [[nodiscard]] StoreStatus status();

  /// Retention, after a reload.
  void configure(const StoreSettings& settings);

 private:
  struct Waiting;
  struct Writer;
  using Shared = Beside<Waiting>;

  void loaded(StoreContents contents);
  void failed(const std::string& words);
  void works();
  void committed(std::uint64_t flush);

  boost::asio::any_io_executor executor_;
  Handlers handlers_;
  std::shared_ptr<Shared> shared_;  ///< outlives us in a thread that hangs
  StoreChanges changes_;            ///< since the last flush
  std::uint64_t flushed_ = 0;
  std::uint64_t committed_ = 0;
  bool opened_ = false;
  std::string failure_;  ///< why it does not work now; empty: it does
  bool gave_up_loading_ = false;
  std::optional<StoreContents> contents_;
  boost::asio::steady_timer loading_;
  std::list<boost::asio::steady_timer*> waiters_;  ///< for a commit
  std::set<StoreChanges::EscalationKey> known_;    ///< put by us
};

/// The file as set, `${STATE_DIRECTORY}` at its start replaced by systemd's, or by `otherwise`.
/// Empty: none.
[[nodiscard]] std::string store_file(const std::string& setting, const std::string& otherwise = "");

}  // namespace pghang
