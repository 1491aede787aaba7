#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/evidence/server_survey.h"
#include "daemon/escalation/tracker.h"

/// Which of a server's processes count as stuck without SQL. Pure: time is an argument.
namespace pghang::escalation {

/// Why a process counts as stuck. The spelling is the `rule` of an incident whose source is `os`.
enum class Suspicion {
  postmaster_stopped,          ///< stopped, traced or frozen: nobody can connect
  postmaster_uninterruptible,  ///< in D state without having run, for a terminate grace
  terminate_ignored,           ///< somebody's terminate has been pending for a terminate grace
  cancel_ignored,              ///< somebody's cancel has been pending for a cancel grace
  orphan,                      ///< its postmaster is gone, and it keeps the data directory locked
  own_backend,                 ///< pghangd's own: it did not answer the poll, and does not end
};

[[nodiscard]] const char* to_string(Suspicion suspicion);

struct WatchTerms {
  Duration cancel_grace{0};
  Duration terminate_grace{0};
  Duration settle{0};  ///< what a process of a lost server, or our own, gets to end by itself
  Duration capture_repeat{0};
};

/// What is known beside the processes.
struct WatchScene {
  bool sql_works = false;  ///< then only the postmaster and our own backend become suspicious
  /// Our own backend, as the server counts, when it did not answer and its connection was given up;
  /// 0: none.
  pid_t own_backend = 0;
  std::int64_t own_backend_before_micros = 0;  ///< it had started by then, unix epoch
  std::vector<BackendKey> judged{};            ///< a rule has matched them: the Tracker's, not ours
};

/// Sightings that no rule made, over surveys. Each is an incident from its first moment, in stage
/// unresponsive; never signalled. Ids are none of a Tracker's. It ends with its process, or when
/// what it was raised for is over (a postmaster that goes on, a cancel that was served); one that a
/// rule has matched is forgotten without a word, since its incident is the rule's from then on.
class ProcessWatch {
 public:
  /// More are not raised until others have ended.
  static constexpr std::size_t kMaxOpen = 16;
  static constexpr std::size_t kMaxCapturesPerRound = 4;

  [[nodiscard]] Orders observe(
      const ServerSurvey& survey,
      const WatchScene& scene,
      const WatchTerms& terms,
      TimePoint now
  );

  /// False where the survey shows that our backend of the scene has ended (or there is none).
  [[nodiscard]] static bool has_own_backend(const ServerSurvey& survey, const WatchScene& scene);

  [[nodiscard]] static bool is_mine(SightingId id) { return (id & kMine) != 0; }

  [[nodiscard]] const SightingState* find(SightingId id) const;
  [[nodiscard]] std::vector<const SightingState*> sightings() const;  ///< open ones
  /// Of this host: who is to be looked at first.
  [[nodiscard]] std::vector<pid_t> open_pids() const;

  [[nodiscard]] bool empty() const { return sightings().empty(); }

 private:
  static constexpr SightingId kMine = SightingId{1} << 63U;

  struct Subject {
    std::map<Suspicion, TimePoint> since;  ///< what is suspected, and from when on
    std::uint64_t switches = 0;            ///< of its context, at the last look
    std::optional<Suspicion> raised;
    SightingState state;  ///< meaningful once raised
    std::optional<TimePoint> captured_at;
  };

  void suspect(Subject& subject, Suspicion suspicion, bool holds, TimePoint now);
  void look_at(
      const SurveyedProcess& process,
      const ServerSurvey& survey,
      const WatchScene& scene,
      Subject& subject,
      TimePoint now
  );
  void raise_or_end(
      const SurveyedProcess& process,
      const ServerSurvey& survey,
      const WatchTerms& terms,
      Subject& subject,
      TimePoint now,
      Orders& orders
  );
  void raise(
      const SurveyedProcess& process,
      const ServerSurvey& survey,
      Suspicion suspicion,
      Subject& subject,
      TimePoint now,
      Orders& orders
  );
  static void end(Subject& subject, const char* why, TimePoint now, Orders& orders);
  void end_gone(const ServerSurvey& survey, TimePoint now, Orders& orders);
  void order_captures(const WatchTerms& terms, TimePoint now, Orders& orders);
  [[nodiscard]] std::size_t open() const;

  std::map<ProcessKey, Subject> subjects_;
  ProcessKey postmaster_;
  SightingId last_id_ = kMine;
};

}  // namespace pghang::escalation
