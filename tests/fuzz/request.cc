#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "config/unique_fd.h"
#include "exporters/api.h"
#include "exporters/http/http_session.h"
#include "tests/exporters/sample_data.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace pghang::fuzz {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kRounds = 10'000;

/// What answers: the daemon's own handler over some incidents, with everything switched on. Nothing
/// here changes with the requests.
class Daemon {
 public:
  Daemon() {
    api_.reload = [] {
      return std::string();
    };
    api_.lifecycle.pause = [this](Duration, std::string reason, std::string, auto reply) {
      later(std::move(reply), {"paused: " + reason, true});
    };
    api_.lifecycle.resume = [this](std::string, auto reply) {
      later(std::move(reply), {"on", false});
    };
    api_.lifecycle.reset_breakers = [](std::string target, std::string rule, std::string) {
      return LifecycleAnswer{target + rule, true};
    };
  }

  [[nodiscard]] HttpHandler handler() const { return api_; }

  asio::io_context loop;

 private:
  void later(Lifecycle::Reply reply, LifecycleAnswer answer) {
    asio::post(loop, [reply = std::move(reply), answer = std::move(answer)] { reply(answer); });
  }

  View view_ = sample::view();
  Metrics metrics_{"0.1.0"};
  Api api_{view_, metrics_, "/metrics", {}};
};

/// The client's end of a connection.
class Client {
 public:
  /// The other end.
  UniqueFd connect() {
    std::array<int, 2> ends{-1, -1};
    expect(
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0,
        "there is a socket"
    );
    socket_ = UniqueFd(ends[0]);
    return UniqueFd(ends[1]);
  }

  /// False: nothing more can be sent now, or ever.
  bool send(std::string_view piece) {
    return ::send(socket_.get(), piece.data(), piece.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(piece.size());
  }

  void end() { (void)::shutdown(socket_.get(), SHUT_WR); }

  void read() {
    std::array<char, 65536> chunk{};
    for (ssize_t size = 0; (size = ::recv(socket_.get(), chunk.data(), chunk.size(), 0)) > 0;)
      answers_.append(chunk.data(), static_cast<std::size_t>(size));
  }

  [[nodiscard]] const std::string& answers() const { return answers_; }

 private:
  UniqueFd socket_;
  std::string answers_;
};

/// The bytes of one answer, which `all` begins with.
std::size_t check_answer(std::string_view all) {
  expect(all.starts_with("HTTP/1.1 ") || all.starts_with("HTTP/1.0 "), "an answer is HTTP");
  const std::size_t end = all.find("\r\n\r\n");
  expect(end != std::string_view::npos, "an answer's header is whole");
  const std::string_view header = all.substr(0, end + 2);
  for (std::size_t at = 0; at < header.size(); ++at) {
    const auto byte = static_cast<unsigned char>(header[at]);
    const bool line_end = byte == '\r' && header[at + 1] == '\n';
    expect(byte >= 0x20 || line_end || byte == '\n', "a header has no control characters");
  }
  const std::string_view status = header.substr(9, 3);
  if (status[0] == '1') return end + 4;
  expect(
      header.find("\r\nX-Content-Type-Options: nosniff\r\n") != std::string_view::npos &&
          header.find("\r\nContent-Security-Policy: default-src 'none'") != std::string_view::npos,
      "every answer has the fields that protect a browser"
  );
  const std::string_view name = "\r\nContent-Length: ";
  const std::size_t field = header.find(name);
  if (status == "304") return end + 4;
  expect(field != std::string_view::npos, "an answer says its length");
  const std::size_t length = std::stoul(std::string(header.substr(field + name.size(), 10)));
  const std::string_view body = all.substr(end + 4);
  // HEAD: there is no body, whatever the length says.
  if (body.empty() || body.starts_with("HTTP/1.")) return end + 4;
  expect(body.size() >= length, "an answer has the length that it says");
  return end + 4 + length;
}

}  // namespace

void request(std::string_view bytes) {
  static Daemon kDaemon;
  Input input(bytes);
  const std::size_t piece = input.number<std::uint8_t>() + std::size_t{1};
  const auto sessions = std::make_shared<HttpSessions>(HttpSessions{kDaemon.handler()});
  Client client;
  UniqueFd end = client.connect();
  const auto session = std::make_shared<HttpSession>(
      sessions,
      kDaemon.loop.get_executor(),
      plain_transport({kDaemon.loop, {AF_UNIX, 0}, end.release()}),
      HttpPeer{"127.0.0.1:1", piece % 2 == 0}
  );
  session->start();
  // 256 means all at once.
  const auto turn = [&] {
    kDaemon.loop.restart();
    kDaemon.loop.poll();
    client.read();
  };
  while (!input.at_end() && client.send(input.take_bytes(piece == 256 ? bytes.size() : piece)))
    turn();
  client.end();
  for (std::size_t i = 0; i < kRounds && !sessions->open.empty(); ++i)
    turn();
  turn();
  expect(sessions->open.empty(), "a session ends when its client does");
  expect(session.use_count() == 1, "nothing holds a session that has ended");

  std::string_view answers = client.answers();
  while (!answers.empty())
    answers.remove_prefix(check_answer(answers));
}

}  // namespace pghang::fuzz
