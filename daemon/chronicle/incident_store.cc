#include "daemon/chronicle/incident_store.h"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/service/service_folder.h"
#include "exporters/store/store_file.h"
#include "exporters/view.h"

namespace pghang {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What failed is tried again after this.
constexpr milliseconds kRetry{1000};
constexpr milliseconds kTrimInterval{std::chrono::minutes{1}};
/// A write that takes longer hangs: it is a few pages into the page cache.
constexpr milliseconds kHang{2000};
constexpr milliseconds kGrace{300};

}  // namespace

struct IncidentStore::Waiting {
  StoreChanges changes;
  std::uint64_t flush = 0;      ///< the last one that is in `changes`
  std::uint64_t committed = 0;  ///< the last one that is in the file
  StoreSettings settings;
  bool trim = false;    ///< at once
  bool exited = false;  ///< the thread, which has closed the file
  std::optional<Clock::time_point> busy_since;
  std::uint64_t bytes = 0;
  std::uint64_t failures = 0;
  std::uint64_t dropped = 0;
};

/// The thread. Touches `store` only in what it posts to the loop.
struct IncidentStore::Writer {
  struct Batch {
    StoreChanges changes;
    std::uint64_t flush = 0;
    StoreSettings settings;
  };

  std::shared_ptr<Shared> shared;
  IncidentStore* store;
  std::string path;
  std::size_t keep;
  std::optional<StoreFile> file = std::nullopt;
  bool loaded = false;
  Clock::time_point trimmed = Clock::time_point::min();

  void run() {
    for (;;) {
      if (!file && !open()) {
        if (!pause()) return;
        continue;
      }
      auto batch = next();
      if (!batch) return;
      if (!write(*std::move(batch)) && file && !pause()) return;
    }
  }

  /// False when the daemon ends.
  bool pause() {
    const auto never = [](const Waiting&) {
      return false;
    };
    return shared->wait(never, kRetry, [](Waiting&) { return true; }).has_value();
  }

  template <typename Work>
  void tell(Work work) {
    shared->post([it = store, work = std::move(work)]() mutable { work(*it); });
  }

  void tell_news(StoreNews::Kind kind, const std::string& words) {
    tell([news = StoreNews{kind, words}](IncidentStore& it) { it.handlers_.tell(news); });
  }

  bool fail(const Error& error) {
    shared->change([](Waiting& waiting) {
      ++waiting.failures;
      waiting.busy_since.reset();
    });
    tell([words = error.context](IncidentStore& it) { it.failed(words); });
    return false;
  }

  void busy() {
    shared->change([](Waiting& waiting) { waiting.busy_since = Clock::now(); });
  }

  bool move_aside(const Error& error) {
    file.reset();
    const bool damaged = error.code == Errc::malformed;
    const auto aside = move_store_aside(path, damaged ? "damaged" : "later", wall_clock_micros());
    if (!aside) return fail(aside.error());
    tell_news(StoreNews::Kind::moved_aside, error.context + "; it is kept as " + *aside);
    return true;
  }

  static bool unusable(const Error& error) {
    return error.code == Errc::malformed || error.code == Errc::unsupported;
  }

  bool open() {
    busy();
    auto opened = StoreFile::open(path);
    if (!opened && unusable(opened.error())) {
      if (!move_aside(opened.error())) return false;
      opened = StoreFile::open(path);
    }
    if (!opened) return fail(opened.error());
    if (!loaded) {
      auto contents = opened->load(keep);
      if (!contents) return fail(contents.error());
      loaded = true;
      tell([contents = std::move(*contents)](IncidentStore& it) mutable {
        it.loaded(std::move(contents));
      });
    } else {
      tell([](IncidentStore& it) {
        it.works();
        it.handlers_.begun_anew();
      });
    }
    file = std::move(*opened);
    shared->change([](Waiting& waiting) { waiting.busy_since.reset(); });
    return true;
  }

  /// Nothing when the daemon ends.
  std::optional<Batch> next() {
    const auto there_is = [](const Waiting& waiting) {
      return waiting.trim || !waiting.changes.empty();
    };
    return shared->wait(there_is, kTrimInterval, [](Waiting& waiting) {
      waiting.busy_since = Clock::now();
      waiting.trim = false;
      return Batch{std::exchange(waiting.changes, {}), waiting.flush, waiting.settings};
    });
  }

  bool write(Batch batch) {
    if (!batch.changes.empty()) {
      const auto applied = file->apply(batch.changes);
      if (!applied) {
        shared->change([&](Waiting& waiting) {
          StoreChanges newer = std::exchange(waiting.changes, std::move(batch.changes));
          waiting.dropped += waiting.changes.add_newer(std::move(newer), kMaxWaitingBytes);
        });
        (void)fail(applied.error());
        if (unusable(applied.error())) (void)move_aside(applied.error());
        return false;
      }
      shared->change([&](Waiting& waiting) {
        waiting.committed = batch.flush;
        waiting.busy_since = Clock::now();
      });
      tell([flush = batch.flush](IncidentStore& it) { it.committed(flush); });
    }
    const bool trimmed_well = trim(batch.settings);
    shared->change([](Waiting& waiting) { waiting.busy_since.reset(); });
    if (trimmed_well) tell([](IncidentStore& it) { it.works(); });
    return trimmed_well;
  }

  bool trim(const StoreSettings& settings) {
    auto size = file->bytes();
    if (!size) return fail(size.error());
    if (Clock::now() >= trimmed + kTrimInterval || *size > settings.max_bytes) {
      const std::chrono::microseconds age = settings.max_age;
      const auto done = file->trim(wall_clock_micros() - age.count(), settings.max_bytes);
      if (!done) return fail(done.error());
      trimmed = Clock::now();
      size = file->bytes();
    }
    shared->change([&](Waiting& waiting) { waiting.bytes = size ? *size : 0; });
    return true;
  }
};

IncidentStore::IncidentStore(
    const boost::asio::any_io_executor& executor,
    std::string file,
    const StoreSettings& settings,
    std::size_t keep,
    Handlers handlers
)
    : executor_(executor),
      handlers_(std::move(handlers)),
      shared_(std::make_shared<Shared>(executor)),
      loading_(executor) {
  shared_->change([&](Waiting& waiting) { waiting.settings = settings; });
  // Not joined: a disk that hangs must not hang the end of the daemon. The thread owns all it uses.
  std::thread([writer = Writer{shared_, this, std::move(file), keep}]() mutable {
    writer.run();
    writer.file.reset();
    writer.shared->change([](Waiting& waiting) { waiting.exited = true; });
  }).detach();
}

IncidentStore::~IncidentStore() {
  flush();
  shared_->await(kGrace, [](const Waiting& waiting) { return waiting.committed == waiting.flush; });
  shared_->end();
  shared_->await(kGrace, [](const Waiting& waiting) { return waiting.exited; });
}

boost::asio::awaitable<std::optional<StoreContents>> IncidentStore::load(milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!contents_ && failure_.empty() && Clock::now() < deadline) {
    loading_.expires_at(deadline);
    co_await loading_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  gave_up_loading_ = !contents_;
  if (gave_up_loading_ && failure_.empty()) failed("the disk does not answer");
  co_return std::exchange(contents_, std::nullopt);
}

void IncidentStore::loaded(StoreContents contents) {
  opened_ = true;
  works();
  if (contents.unreadable > 0) {
    const std::string words = std::to_string(contents.unreadable) + " incidents do not parse";
    handlers_.tell({StoreNews::Kind::unreadable, words});
  }
  if (!gave_up_loading_) {
    contents_ = std::move(contents);
    loading_.cancel();
    return;
  }
  // Those of before that were not written anew since: nothing goes on with them.
  for (const StoredEscalation& row : contents.escalations) {
    if (!known_.contains({row.target, row.sighting})) erase_escalation(row.target, row.sighting);
  }
  handlers_.tell({StoreNews::Kind::late, ""});
  handlers_.late(std::move(contents));
  flush();
}

void IncidentStore::failed(const std::string& words) {
  if (std::exchange(failure_, words) == words) return;
  handlers_.tell({StoreNews::Kind::failed, words});
  loading_.cancel();
  for (boost::asio::steady_timer* waiter : waiters_)
    waiter->cancel();
}

void IncidentStore::works() {
  if (!std::exchange(failure_, {}).empty()) handlers_.tell({StoreNews::Kind::works, ""});
}

void IncidentStore::committed(std::uint64_t flush) {
  committed_ = flush;
  works();
  for (boost::asio::steady_timer* waiter : waiters_)
    waiter->cancel();
}

void IncidentStore::put(const Incident& incident) {
  changes_.put(incident);
}

void IncidentStore::put(StoredEscalation escalation) {
  known_.emplace(escalation.target, escalation.sighting);
  changes_.put(std::move(escalation));
}

void IncidentStore::put(SignalRecord signal) {
  changes_.put(std::move(signal));
}

void IncidentStore::erase_escalation(const std::string& target, std::uint64_t sighting) {
  known_.erase({target, sighting});
  changes_.erase_escalation(target, sighting);
}

void IncidentStore::flush() {
  if (changes_.empty()) return;
  ++flushed_;
  shared_->change([this](Waiting& waiting) {
    waiting.dropped += waiting.changes.add_newer(std::exchange(changes_, {}), kMaxWaitingBytes);
    waiting.flush = flushed_;
  });
}

boost::asio::awaitable<bool> IncidentStore::written(milliseconds patience) {
  flush();
  const std::uint64_t wanted = flushed_;
  const Clock::time_point deadline = Clock::now() + patience;
  boost::asio::steady_timer timer(executor_);
  const auto waiter = waiters_.insert(waiters_.end(), &timer);
  while (committed_ < wanted && failure_.empty() && Clock::now() < deadline) {
    timer.expires_at(deadline);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  waiters_.erase(waiter);
  if (committed_ >= wanted) co_return true;
  if (failure_.empty()) failed("the disk does not answer");
  co_return false;
}

StoreStatus IncidentStore::status() {
  StoreStatus status;
  const bool hangs = shared_->change([&](const Waiting& waiting) {
    status.bytes = waiting.bytes;
    status.failures = waiting.failures;
    status.dropped = waiting.dropped;
    return waiting.busy_since && Clock::now() - *waiting.busy_since > kHang;
  });
  if (hangs && failure_.empty()) failed("the disk does not answer");
  status.up = opened_ && failure_.empty();
  return status;
}

void IncidentStore::configure(const StoreSettings& settings) {
  shared_->change([&](Waiting& waiting) {
    waiting.settings = settings;
    waiting.trim = true;
  });
}

std::string store_file(const std::string& setting, const std::string& otherwise) {
  constexpr std::string_view prefix = "${STATE_DIRECTORY}";
  if (!setting.starts_with(prefix)) return setting;
  const std::string folder = service_folder("STATE_DIRECTORY");
  const std::string& directory = folder.empty() ? otherwise : folder;
  return directory.empty() ? "" : directory + setting.substr(prefix.size());
}

}  // namespace pghang
