#include "exporters/http/login.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

#include "exporters/http/basic_credentials.h"
#include "exporters/http/bcrypt.h"
#include "exporters/http/keyed_digest.h"
#include "exporters/http/login_memory.h"

namespace pghang {
namespace {

/// One hash to compute.
struct Work {
  std::string attempt;
  std::string password;
  std::string hash;
  bool known_user = false;
};

/// Between the loop and the thread. The thread is not joined: at the highest cost that would take
/// half a minute.
struct Desk {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Work> waiting;
  bool closed = false;
  std::function<void(std::string attempt, bool accepted)> done;  ///< empty once closed
};

void work_at(const std::shared_ptr<Desk>& desk) {
  for (;;) {
    std::unique_lock lock(desk->mutex);
    desk->wake.wait(lock, [&] { return desk->closed || !desk->waiting.empty(); });
    if (desk->closed) return;
    Work work = std::move(desk->waiting.front());
    desk->waiting.pop_front();
    lock.unlock();
    const bool right = bcrypt_matches(work.password, work.hash);
    OPENSSL_cleanse(work.password.data(), work.password.size());
    lock.lock();
    if (desk->done) desk->done(std::move(work.attempt), right && work.known_user);
  }
}

}  // namespace

struct Login::State : std::enable_shared_from_this<Login::State> {
  boost::asio::any_io_executor executor;
  Limits limits;
  KeyedDigest digest;
  LoginMemory memory;
  std::vector<NamedText> users;
  std::map<std::string, std::vector<std::function<void(LoginResult)>>> computing;
  std::shared_ptr<Desk> desk = std::make_shared<Desk>();
  std::uint64_t computed = 0;
  bool working = false;

  State(boost::asio::any_io_executor executor_arg, Limits limits_arg)
      : executor(std::move(executor_arg)),
        limits(limits_arg),
        memory(limits_arg.remembered) {}

  [[nodiscard]] std::optional<Work> work_of(const std::string& authorization) const {
    auto credentials = parse_basic(authorization);
    if (!credentials || users.empty()) return std::nullopt;
    const auto found = std::ranges::find(users, credentials->user, &NamedText::name);
    Work work;
    work.known_user = found != users.end();
    // Somebody's hash, always the same for one name: the costs of hashes may differ.
    const auto first = static_cast<unsigned char>(digest.of({credentials->user}).front());
    work.hash = work.known_user ? found->text : users[first % users.size()].text;
    work.attempt = digest.of(
        {credentials->user, work.known_user ? "known" : "", work.hash, credentials->password}
    );
    work.password = std::move(credentials->password);
    return work;
  }

  [[nodiscard]] std::optional<LoginResult> remembered(const Work& work) const {
    const auto accepted = memory.find(work.attempt);
    if (!accepted) return std::nullopt;
    return *accepted ? LoginResult::accepted : LoginResult::refused;
  }

  void start_working() {
    if (std::exchange(working, true)) return;
    desk->done = [weak = weak_from_this(), to = executor](std::string attempt, bool accepted) {
      boost::asio::post(to, [weak, attempt = std::move(attempt), accepted] {
        if (const auto state = weak.lock()) state->finish(attempt, accepted);
      });
    };
    std::thread(work_at, desk).detach();
  }

  void submit(Work work, std::function<void(LoginResult)> reply) {
    const auto same = computing.find(work.attempt);
    if (same != computing.end()) return same->second.push_back(std::move(reply));
    start_working();
    std::unique_lock lock(desk->mutex);
    if (desk->waiting.size() >= limits.waiting) {
      lock.unlock();
      return reply(LoginResult::busy);
    }
    computing[work.attempt].push_back(std::move(reply));
    desk->waiting.push_back(std::move(work));
    desk->wake.notify_one();
  }

  void finish(const std::string& attempt, bool accepted) {
    ++computed;
    memory.keep(attempt, accepted);
    auto waiting = computing.extract(attempt);
    if (waiting.empty()) return;
    for (const auto& reply : waiting.mapped())
      reply(accepted ? LoginResult::accepted : LoginResult::refused);
  }
};

Login::Login(boost::asio::any_io_executor executor, Limits limits)
    : state_(std::make_shared<State>(std::move(executor), limits)) {}

Login::~Login() {
  const std::lock_guard lock(state_->desk->mutex);
  state_->desk->closed = true;
  state_->desk->done = {};
  state_->desk->wake.notify_one();
}

void Login::set_users(std::vector<NamedText> users) {
  state_->users = std::move(users);
}

bool Login::required() const {
  return !state_->users.empty();
}

std::optional<LoginResult> Login::known(const std::string& authorization) const {
  if (!required()) return LoginResult::accepted;
  const auto work = state_->work_of(authorization);
  return work ? state_->remembered(*work) : LoginResult::refused;
}

void Login::check(const std::string& authorization, std::function<void(LoginResult)> reply) {
  if (const auto result = known(authorization)) return reply(*result);
  state_->submit(*state_->work_of(authorization), std::move(reply));
}

std::uint64_t Login::computed() const {
  return state_->computed;
}

}  // namespace pghang
