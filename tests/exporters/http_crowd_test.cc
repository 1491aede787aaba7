#include <atomic>
#include <deque>

#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

/// Slow clients, and more clients than there are places.
namespace pghang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

HttpResponse echo(const HttpRequest& request) {
  return {200, "text/plain", request.method + ' ' + request.path + '?' + request.query, ""};
}

HttpLimits short_limits() {
  HttpLimits limits;
  limits.request = milliseconds(150);
  limits.write = milliseconds(150);
  limits.idle = milliseconds(150);
  limits.linger = milliseconds(150);
  return limits;
}

TEST(HttpServer, AClientThatStopsInMidRequestIsClosedInTime) {
  const ServedHttp http(echo, short_limits());
  for (const char* bytes : {"", "G", "GET / HTTP/1.1\r\nHo"}) {
    const auto start = Clock::now();
    HttpClient client = http.connect();
    client.send(bytes);
    EXPECT_TRUE(client.closed_by_server()) << bytes;
    EXPECT_GE(Clock::now() - start, milliseconds(140)) << bytes;
    EXPECT_LT(Clock::now() - start, seconds(2)) << bytes;
  }
}

TEST(HttpServer, AnIdleKeptConnectionIsClosedInTime) {
  HttpLimits limits = short_limits();
  limits.request = seconds(30);
  const ServedHttp http(echo, limits);
  HttpClient client = http.connect();
  client.send(get("/"));
  ASSERT_TRUE(client.receive());
  EXPECT_TRUE(client.closed_by_server());
}

/// More than the kernel buffers on both sides take: the answer ends only when it is read.
HttpResponse endless(const HttpRequest&) {
  return {200, "text/plain", std::string(64U << 20U, 'x'), ""};
}

TEST(HttpServer, AClientThatDoesNotReadIsClosedInTimeAndItsPlaceIsFree) {
  HttpLimits limits = short_limits();
  limits.connections = 1;
  const ServedHttp http(
      [](const HttpRequest& request) {
        return request.path == "/endless" ? endless(request) : echo(request);
      },
      limits
  );
  HttpClient client = http.connect();
  client.send(get("/endless"));
  ASSERT_TRUE(client.has_input());
  const auto start = Clock::now();
  while (!http.ask("/") && Clock::now() - start < seconds(5)) {
  }
  EXPECT_GE(Clock::now() - start, milliseconds(100));
  EXPECT_LT(Clock::now() - start, seconds(5));
  EXPECT_FALSE(client.receive()) << "cut short";
}

TEST(HttpServer, IdleConnectionsBeyondTheLimitMakePlaceForTheNext) {
  const ServedHttp http(echo);
  std::deque<HttpClient> idle;
  for (int i = 0; i < 150; ++i)
    idle.push_back(http.connect());
  const auto response = http.ask("/served");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "GET /served?");
  EXPECT_TRUE(idle.front().closed_by_server()) << "the longest idle one went";
  idle.back().send(get("/still"));
  EXPECT_TRUE(idle.back().receive()) << "the newest ones stayed";
}

TEST(HttpServer, SlowSendersBeyondTheLimitMakePlaceForTheNext) {
  HttpLimits limits;
  limits.connections = 3;
  const ServedHttp http(echo, limits);
  std::deque<HttpClient> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(http.connect());
    slow.back().send("GET / HT");
  }
  EXPECT_TRUE(http.ask("/served"));
}

TEST(HttpServer, ANewcomerThatHasSentNothingYetStaysLongerThanSlowSenders) {
  HttpLimits limits;
  limits.connections = 3;
  const ServedHttp http(echo, limits);
  std::deque<HttpClient> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(http.connect());
    slow.back().send("GET / HT");
  }
  HttpClient newcomer = http.connect();
  EXPECT_TRUE(http.ask("/served"));
  EXPECT_TRUE(slow.front().closed_by_server());
  newcomer.send(get("/served"));
  EXPECT_TRUE(newcomer.receive());
}

TEST(HttpServer, WhileAllAreBeingAnsweredTheNewcomerIsClosed) {
  HttpLimits limits;
  limits.connections = 2;
  const ServedHttp http(endless, limits);
  HttpClient first = http.connect();
  HttpClient second = http.connect();
  first.send(get("/", "Connection: close\r\n"));
  second.send(get("/", "Connection: close\r\n"));
  // The first bytes of both answers prove that both are being answered.
  ASSERT_TRUE(first.has_input() && second.has_input());
  HttpClient third = http.connect();
  third.send(get("/"));
  EXPECT_FALSE(third.receive());
  EXPECT_EQ(first.receive()->body.size(), 64U << 20U) << "an answer under way is not cut";
}

TEST(HttpServer, SlowReadersBeyondTheLimitMakePlaceForTheNext) {
  HttpLimits limits;
  limits.connections = 2;
  limits.crowded_write = milliseconds(100);
  const ServedHttp http(
      [](const HttpRequest& request) {
        return request.path == "/endless" ? endless(request) : echo(request);
      },
      limits
  );
  HttpClient first = http.connect();
  HttpClient second = http.connect();
  first.send(get("/endless"));
  second.send(get("/endless"));
  ASSERT_TRUE(first.has_input() && second.has_input());
  const auto start = Clock::now();
  while (!http.ask("/served") && Clock::now() - start < seconds(5)) {
  }
  EXPECT_LT(Clock::now() - start, seconds(5)) << "long before their own deadline";
  EXPECT_FALSE(first.receive()) << "the longest under way went";
}

TEST(HttpServer, AnAnswerThatTheHandlerDefersIsNotClosedForANewcomer) {
  HttpLimits limits;
  limits.connections = 1;
  limits.crowded_write = milliseconds(0);
  std::atomic<bool> asked = false;
  std::function<void(HttpResponse)> later;
  ServedHttp http(
      [&](const HttpRequest&) {
        HttpResponse response;
        response.deferred = [&](std::function<void(HttpResponse)> send) {
          later = std::move(send);
          asked = true;
        };
        return response;
      },
      limits
  );
  HttpClient first = http.connect();
  first.send(get("/"));
  while (!asked) {
  }
  HttpClient newcomer = http.connect();
  EXPECT_TRUE(newcomer.closed_by_server());
  http.with_server([&](HttpServer&) {
    std::exchange(later, nullptr)({200, "text/plain", "late", ""});
  });
  const auto late = first.receive();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->body, "late");
}

TEST(HttpServer, ManyClientsAtOnceAreAllServed) {
  std::atomic<int> served = 0;
  const ServedHttp http(echo);
  std::deque<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      HttpClient client = http.connect();
      for (int i = 0; i < 100; ++i) {
        const std::string path = '/' + std::to_string(t) + '/' + std::to_string(i);
        client.send(get(path));
        const auto response = client.receive();
        if (response && response->body == "GET " + path + '?') ++served;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(served, 800);
}

}  // namespace
}  // namespace pghang
