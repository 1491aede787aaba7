#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "diagnosis/text.h"
#include "diagnosis/wait_edges.h"

namespace pghang {
namespace {

/// Of a waiter that the server was not asked about: behind more holders than this its edges would
/// only repeat those of the waiter that was asked.
constexpr std::size_t kMaxRepeated = 3;

/// `AccessShareLock on relation public.orders`, `ShareLock on transactionid 740`.
std::string lock_words(const LockWait& wait) {
  std::string words = wait.mode + " on " + wait.lock_type;
  if (wait.lock_type == "relation") {
    words += " " + wait.relation;
  } else if (!wait.relation.empty()) {
    words += " of " + wait.relation;
  } else {
    // The tag without its type: `740` of `transactionid/740`.
    const auto slash = wait.object.find('/');
    if (slash != std::string::npos) words += " " + wait.object.substr(slash + 1);
  }
  return text::printable(words);
}

std::string age_words(Micros age) {
  return text::seconds(static_cast<double>(age.count()) / 1e6);
}

WaitNode prepared_node(const PreparedTransaction& prepared) {
  WaitNode node;
  node.id = "prepared:" + prepared.gid;
  node.kind = WaitNodeKind::prepared_transaction;
  node.name = prepared.gid;
  node.state = "has no process; prepared " + age_words(prepared.age) + " ago by " +
               text::printable(prepared.owner) + " in " + text::printable(prepared.database);
  const std::string subject = wait_subject(node);
  const std::string literal = subject.substr(subject.find('\''));
  node.release = {
      {"In database " + text::printable(prepared.database) + ", as " +
           text::printable(prepared.owner) + " or a superuser: ROLLBACK PREPARED " + literal + ";",
       "its changes are undone; ask its coordinator first, which may want COMMIT PREPARED"}};
  return node;
}

/// One lock and who waits for it.
struct Queue {
  std::set<pid_t> waiters;
  const LockWait* head = nullptr;  ///< the first that the server was asked about
};

class LockWaits {
 public:
  LockWaits(const LockSnapshot& locks, const WaitPeople& people, WaitBuilder& graph)
      : locks_(locks),
        people_(people),
        graph_(graph) {
    for (const LockWait& wait : locks.waits) {
      Queue& queue = queues_[wait.object];
      queue.waiters.insert(wait.waiter);
      const bool answered = wait.blockers && !wait.blockers->empty();
      if (answered && queue.head == nullptr) queue.head = &wait;
    }
  }

  void add() {
    for (const LockWait& wait : locks_.waits) {
      if (wait.blockers) {
        add_asked(wait, *wait.blockers, false);
      } else {
        add_inferred(wait);
      }
    }
    const auto listed = static_cast<std::int64_t>(locks_.waits.size());
    for (std::int64_t i = listed; i < locks_.waiters; ++i)
      graph_.drop();
  }

 private:
  /// Those that hold the lock, and the first of those that wait for it too: the others in the
  /// queue are behind him.
  [[nodiscard]] std::vector<pid_t> telling(const LockWait& wait, const std::vector<pid_t>& blockers)
      const {
    const Queue& queue = queues_.at(wait.object);
    std::vector<pid_t> found;
    const LockWait* mate = nullptr;
    for (const pid_t pid : blockers) {
      if (!queue.waiters.contains(pid)) found.push_back(pid);
    }
    for (const LockWait& other : locks_.waits) {
      if (other.object != wait.object || other.waiter == wait.waiter) continue;
      if (std::ranges::find(blockers, other.waiter) == blockers.end()) continue;
      mate = &other;
      break;
    }
    if (mate != nullptr) found.push_back(mate->waiter);
    return found;
  }

  bool add_waiter(const LockWait& wait) {
    if (graph_.add(people_.node(wait.waiter, true))) return true;
    graph_.drop();
    return false;
  }

  void connect(const LockWait& wait, WaitNode to, bool inferred) {
    const std::string id = to.id;
    if (!graph_.add(std::move(to))) return graph_.drop();
    graph_.connect({pid_node_id(wait.waiter), id, WaitEdgeKind::lock, lock_words(wait), inferred});
  }

  void add_asked(const LockWait& wait, const std::vector<pid_t>& blockers, bool inferred) {
    if (blockers.empty() || !add_waiter(wait)) return;
    for (const pid_t pid : telling(wait, blockers)) {
      if (pid == 0) {
        add_prepared(wait, inferred);
      } else {
        connect(wait, people_.node(pid, true), inferred);
      }
    }
  }

  void add_inferred(const LockWait& wait) {
    const LockWait* head = queues_.at(wait.object).head;
    if (head == nullptr) {
      if (!add_waiter(wait)) return;
      WaitNode holder;
      holder.id = "lock:" + wait.object;
      holder.name = "the holder of " + wait.lock_type + " " +
                    (wait.relation.empty() ? wait.object : wait.relation);
      return connect(wait, std::move(holder), true);
    }
    std::vector<pid_t> holders = telling(*head, *head->blockers);
    std::erase(holders, wait.waiter);
    if (holders.empty() || holders.size() > kMaxRepeated) holders = {head->waiter};
    add_asked(wait, holders, true);
  }

  void add_prepared(const LockWait& wait, bool inferred) {
    bool found = false;
    for (const PreparedTransaction& prepared : locks_.prepared) {
      if (prepared.object != wait.object) continue;
      connect(wait, prepared_node(prepared), inferred);
      found = true;
    }
    if (found) return;
    WaitNode nameless;
    nameless.id = "prepared-for:" + wait.object;
    nameless.kind = WaitNodeKind::prepared_transaction;
    nameless.state = "has no process: see pg_prepared_xacts";
    connect(wait, std::move(nameless), inferred);
  }

  const LockSnapshot& locks_;
  const WaitPeople& people_;
  WaitBuilder& graph_;
  std::map<std::string, Queue> queues_;
};

}  // namespace

void add_lock_waits(const LockSnapshot& locks, const WaitPeople& people, WaitBuilder& graph) {
  LockWaits(locks, people, graph).add();
}

}  // namespace pghang
