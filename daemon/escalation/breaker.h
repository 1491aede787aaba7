#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "config/settings.h"
#include "daemon/escalation/saved_sighting.h"
#include "daemon/escalation/signal.h"

namespace pghang::escalation {

/// One rule's breaker on one server, as config/pghangd.yaml describes it. Pure; `now` must not go
/// backwards. Without configure() it never opens.
class Breaker {
 public:
  enum class Change { opened, closed };

  /// Keeps what it has seen, and stays open if it is.
  void configure(const BreakerSettings& settings) { settings_ = settings; }

  /// One poll: how many backends the rule would act on, of how many sessions. What changed by it.
  std::optional<Change> polled(std::uint64_t matches, std::uint64_t sessions, TimePoint now);

  /// Closes it; what it matched last is its past from here. False when it was not open.
  bool reset(TimePoint now);

  /// For the next daemon.
  [[nodiscard]] SavedBreaker saved(const std::string& rule) const;

  /// Goes on where the last daemon's stood; one that was open is open, and closes as it would have.
  /// What has polled already keeps its own past. How long ago another boot was nobody knows: what
  /// was then counts as if it was now.
  void resume(const SavedBreaker& saved, bool same_boot, TimePoint now);

  [[nodiscard]] bool open() const { return open_.has_value(); }

  [[nodiscard]] std::uint64_t matches() const { return matches_; }  ///< of the latest poll

  /// The least number within the window, when it opened.
  [[nodiscard]] std::uint64_t before() const { return open_ ? open_->before : 0; }

 private:
  struct Count {
    TimePoint at;
    std::uint64_t matches;
  };

  struct Open {
    std::uint64_t before;
    std::uint64_t high;
    TimePoint high_at;
  };

  [[nodiscard]] std::uint64_t least(TimePoint now);
  void note(TimePoint now, std::uint64_t matches);
  void close(TimePoint now);

  std::optional<BreakerSettings> settings_;
  std::uint64_t matches_ = 0;
  /// Rising: a number that a later one is not above can never be the least again. So it stays
  /// small.
  std::deque<Count> past_;
  std::optional<Open> open_;
};

}  // namespace pghang::escalation
