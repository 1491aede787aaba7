#include <algorithm>
#include <array>
#include <string_view>

#include "diagnosis/text.h"
#include "diagnosis/wait_builder.h"

namespace pghang {
namespace {

/// How a graph's end is said. The first line that fits: by the kind of what it ends in, and by
/// whether anybody waits there.
struct Sentence {
  bool waiters = false;
  bool state = false;  ///< something is known of the end's state
  std::string_view words;
};

constexpr auto kSentences = std::to_array<Sentence>({
    {true, true, "{waiters} behind {subject}, which {state}."},
    {true, false, "{waiters} behind {subject}."},
    {false, true, "{Subject} {state}."},
    {false, false, "{Subject} is waited for."},
});
constexpr std::string_view kPrepared =
    "{waiters} behind {subject} (no process): ROLLBACK PREPARED '{gid}'.";
constexpr std::string_view kShared = "{waiters} for {subject}.";
constexpr std::string_view kCycle =
    "{count} wait for each other, a deadlock that nobody outside can end by waiting: {cycle}.";

std::string counted(std::size_t count, const char* singular, const char* plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

std::string waiter_words(const WaitGraph& graph, std::size_t count) {
  return (graph.dropped > 0 ? "At least " : "") + counted(count, "backend waits", "backends wait");
}

/// For a literal of SQL.
std::string doubled_quotes(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted;
}

/// `pid 57`, in a container `pid 57 (4711 on the host)`.
std::string process_words(const WaitNode& node) {
  const std::string host = std::to_string(node.host_pid);
  if (node.pid == 0) return "host pid " + host;
  return "pid " + std::to_string(node.pid) +
         (node.host_pid == 0 ? "" : " (" + host + " on the host)");
}

std::string capitalised(std::string words) {
  if (!words.empty() && words.front() >= 'a' && words.front() <= 'z')
    words.front() = static_cast<char>(words.front() - 'a' + 'A');
  return words;
}

std::string cycle_words(const WaitGraph& graph) {
  std::vector<std::string> around;
  for (const std::string& id : graph.cycle) {
    const WaitNode* node = find_node(graph, id);
    around.push_back(node == nullptr ? id : wait_subject(*node));
  }
  if (!around.empty()) around.push_back(around.front());
  return text::expand(
      kCycle,
      {{"count", counted(graph.cycle.size(), "process", "processes")},
       {"cycle", text::join(around, " → ")}}
  );
}

}  // namespace

const char* to_string(WaitNodeKind kind) {
  switch (kind) {
    case WaitNodeKind::backend: return "backend";
    case WaitNodeKind::process: return "process";
    case WaitNodeKind::prepared_transaction: return "prepared_transaction";
    case WaitNodeKind::remote_address: return "remote_address";
    case WaitNodeKind::mount: return "mount";
    case WaitNodeKind::unknown: return "unknown";
  }
  return "unknown";
}

const char* to_string(WaitEdgeKind kind) {
  switch (kind) {
    case WaitEdgeKind::lock: return "lock";
    case WaitEdgeKind::parallel: return "parallel";
    case WaitEdgeKind::pipe: return "pipe";
    case WaitEdgeKind::socket: return "socket";
    case WaitEdgeKind::child: return "child";
    case WaitEdgeKind::lwlock_suspect: return "lwlock_suspect";
    case WaitEdgeKind::io: return "io";
    case WaitEdgeKind::remote: return "remote";
    case WaitEdgeKind::file_lock: return "file_lock";
  }
  return "lock";
}

std::string wait_subject(const WaitNode& node) {
  std::string name = text::printable(node.name);
  switch (node.kind) {
    case WaitNodeKind::backend: return process_words(node);
    case WaitNodeKind::process:
      return process_words(node) + (name.empty() ? "" : " (" + name + ")");
    case WaitNodeKind::prepared_transaction:
      return name.empty() ? "a prepared transaction"
                          : "prepared transaction '" + doubled_quotes(name) + "'";
    case WaitNodeKind::mount: return "file system " + name;
    case WaitNodeKind::remote_address: return name;
    case WaitNodeKind::unknown: return name.empty() ? "an unknown holder" : name;
  }
  return name;
}

std::string wait_summary(const WaitGraph& graph) {
  if (!graph.cycle.empty()) return cycle_words(graph);
  const WaitNode* root = find_node(graph, graph.root);
  const WaitNode* holder = wait_holder(graph);
  if (root == nullptr || holder == nullptr) return {};
  const text::Values values{
      {"waiters", waiter_words(graph, holder->waiters)},
      {"subject", wait_subject(*holder)},
      {"Subject", capitalised(wait_subject(*holder))},
      {"state", holder->state},
      {"gid", doubled_quotes(text::printable(holder->name))}};
  if (holder->kind == WaitNodeKind::prepared_transaction && !holder->name.empty())
    return text::expand(kPrepared, values);
  if (holder->kind == WaitNodeKind::mount || holder->kind == WaitNodeKind::remote_address)
    return text::expand(kShared, values);
  const auto* const sentence = std::ranges::find_if(kSentences, [&](const Sentence& candidate) {
    return candidate.waiters == (holder->waiters > 0) && candidate.state == !holder->state.empty();
  });
  return text::expand(sentence->words, values);
}

}  // namespace pghang
