#include "daemon/controls/pause_desk.h"

#include <utility>

#include "config/units.h"
#include "daemon/chronicle/chronicle.h"
#include "exporters/text.h"
#include "exporters/view.h"

namespace pghang {

struct PauseDesk::Waiting {
  std::string done;
  Lifecycle::Reply reply;
  boost::asio::steady_timer patience;
};

PauseDesk::PauseDesk(
    boost::asio::any_io_executor executor,
    const std::string& path,
    Chronicle& chronicle,
    std::function<void(bool paused)> apply
)
    : executor_(std::move(executor)),
      path_(path),
      chronicle_(chronicle),
      apply_(std::move(apply)),
      expiry_(executor_) {
  if (!path_.empty()) file_ = std::make_unique<PauseFile>(executor_, path_);
}

PauseDesk::~PauseDesk() = default;

void PauseDesk::start() {
  if (!file_) {
    known_ = true;
    apply_(false);
    return;
  }
  apply_(true);
  chronicle_.pause_unknown(path_);
  file_->load([this](Result<std::optional<Pause>> result) { loaded(std::move(result)); });
}

void PauseDesk::loaded(Result<std::optional<Pause>> result) {
  if (std::exchange(known_, true)) return;
  if (!result) {
    adopt(
        Pause{
            .since_micros = wall_clock_micros(),
            .until_micros = std::nullopt,
            .by = "pghangd",
            .reason = result.error().context + "; until somebody resumes"},
        true
    );
  } else if (*result) {
    adopt(*std::move(*result), true);
  } else {
    apply_(false);
    chronicle_.not_paused();
  }
}

void PauseDesk::adopt(Pause pause, bool restored) {
  pause_ = std::move(pause);
  apply_(true);
  chronicle_.paused(*pause_, restored);
  expiry_.cancel();
  if (!pause_->until_micros) return;
  const std::chrono::microseconds until(*pause_->until_micros);
  expiry_.expires_at(std::chrono::system_clock::time_point(until));
  expiry_.async_wait([this](boost::system::error_code cancelled) {
    // A later pause may have moved the end after this one was due.
    if (cancelled || !pause_ || !pause_->until_micros) return;
    if (*pause_->until_micros > wall_clock_micros()) return;
    end("its end has come");
    save("", {});
  });
}

void PauseDesk::end(const std::string& by) {
  known_ = true;
  pause_.reset();
  expiry_.cancel();
  apply_(false);
  chronicle_.resumed(by);
}

void PauseDesk::pause(Duration length, std::string reason, std::string by, Lifecycle::Reply reply) {
  known_ = true;
  const std::int64_t now = wall_clock_micros();
  const std::int64_t until = now + std::chrono::microseconds(length).count();
  adopt(
      Pause{
          .since_micros = now,
          .until_micros = until,
          .by = std::move(by),
          .reason = std::move(reason)},
      false
  );
  save("paused for " + format_duration(length) + ", until " + rfc3339(until), std::move(reply));
}

void PauseDesk::resume(const std::string& by, Lifecycle::Reply reply) {
  const bool was_paused = pause_ || !known_;
  end(by);
  save(was_paused ? "resumed" : "was not paused", std::move(reply));
}

void PauseDesk::save(std::string done, Lifecycle::Reply reply) {
  const std::uint64_t change = ++last_change_;
  auto waiting = std::make_unique<Waiting>(
      Waiting{std::move(done), std::move(reply), boost::asio::steady_timer(executor_, kPatience)}
  );
  waiting->patience.async_wait([this, change](boost::system::error_code cancelled) {
    if (!cancelled) saved(change, path_ + ": the disk does not answer");
  });
  waiting_.emplace(change, std::move(waiting));
  if (!file_) {
    saved(change, pause_ ? "STATE_DIRECTORY is not set" : "");
    return;
  }
  file_->save(pause_, [this, change](const Result<void>& result) {
    saved(change, result ? "" : result.error().context);
  });
}

void PauseDesk::saved(std::uint64_t change, const std::string& problem) {
  const auto found = waiting_.find(change);
  if (found == waiting_.end()) return;  // answered when patience ended
  const std::unique_ptr<Waiting> waiting = std::move(found->second);
  waiting_.erase(found);
  if (change == last_change_) chronicle_.pause_saved(problem);
  if (!waiting->reply) return;
  LifecycleAnswer answer{waiting->done, problem.empty()};
  if (!answer.lasting) answer.text += "; NOT kept over a restart: " + problem;
  waiting->reply(std::move(answer));
}

}  // namespace pghang
