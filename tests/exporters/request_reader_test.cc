#include "exporters/http/request_reader.h"

#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

namespace pghang {
namespace {

using std::string_literals::operator""s;
using Step = RequestReader::Step;

/// All of `bytes` at once, then byte by byte: what comes of it must be the same. The status of the
/// refusal; 0 where there is none.
int refused(const std::string& bytes, const HttpLimits& limits = {}) {
  RequestReader whole(limits);
  std::string given = bytes;
  Step step = whole.put(given);
  const int status = step == Step::refused ? whole.refusal().status : 0;

  RequestReader slow(limits);
  std::string pending;
  step = Step::more;
  for (std::size_t i = 0; i < bytes.size() && (step == Step::more || step == Step::wants_continue);
       ++i) {
    pending += bytes[i];
    step = slow.put(pending);
  }
  EXPECT_EQ(step == Step::refused ? slow.refusal().status : 0, status) << bytes.substr(0, 200);
  return status;
}

std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

TEST(RequestReader, TellsTheRequestAndLeavesTheNextOne) {
  RequestReader reader(HttpLimits{});
  std::string bytes =
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n"
      "If-None-Match: \"1\"\r\nContent-Length: 3\r\n\r\nabcHEAD /n HTTP/1.0\r\n\r\n";
  ASSERT_EQ(reader.put(bytes), Step::complete);
  EXPECT_EQ(bytes, "HEAD /n HTTP/1.0\r\n\r\n");
  const HttpRequest first = reader.request();
  EXPECT_EQ(first.method, "POST");
  EXPECT_EQ(first.path, "/a");
  EXPECT_EQ(first.query, "b=c");
  EXPECT_EQ(first.authorization, "Basic eDp5");
  EXPECT_EQ(first.if_none_match, "\"1\"");
  EXPECT_TRUE(reader.keep_alive());
  EXPECT_FALSE(reader.is_head() || reader.is_http_1_0());

  reader.next();
  ASSERT_EQ(reader.put(bytes), Step::complete);
  EXPECT_EQ(reader.request().method, "GET");
  EXPECT_EQ(reader.request().authorization, "");
  EXPECT_TRUE(reader.is_head() && reader.is_http_1_0());
  EXPECT_FALSE(reader.keep_alive());
}

TEST(RequestReader, AnAbsoluteTargetIsItsPath) {
  for (const auto& [target, path] : std::initializer_list<std::pair<const char*, const char*>>{
           {"http://x/metrics", "/metrics"},
           {"HTTPS://x:1/metrics", "/metrics"},
           {"http://x", "/"},
           {"/http://x", "/http://x"},
       }) {
    RequestReader reader(HttpLimits{});
    std::string bytes = get(target);
    ASSERT_EQ(reader.put(bytes), Step::complete) << target;
    EXPECT_EQ(reader.request().path, path);
  }
}

TEST(RequestReader, MalformedRequestsAreRefusedAs400) {
  for (const std::string& bytes : {
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello\r\n\r\n"s,
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s,
           "GET\r\n\r\n"s,
           "GET / HTTP/9.9\r\nHost: x\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost x\r\n\r\n"s,
           "GET / HTTP/1.1\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"s,
           "GET x HTTP/1.1\r\nHost: x\r\n\r\n"s,
           "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n"s,
           "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"s,
           "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"s,
           "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n"s,
           "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s,
           "GET / HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n"s,
           "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"s,
           post("Content-Length: -1\r\n"),
           post("Content-Length: 1\r\nContent-Length: 2\r\n"),
           post("Content-Length: 99999999999999999999999\r\n"),
           post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
           post("Transfer-Encoding: chunked\r\n", "x\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n\r\n"),
           post("Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n0\r\n\r\n"),
       }) {
    EXPECT_EQ(refused(bytes), 400) << bytes;
  }
}

TEST(RequestReader, ATransferCodingOtherThanChunkedIsRefusedAs501) {
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked"})
    EXPECT_EQ(refused(post("Transfer-Encoding: " + std::string(coding) + "\r\n")), 501) << coding;
  EXPECT_EQ(refused(post("Transfer-Encoding: Chunked\r\n", "1\r\na\r\n0\r\n\r\n")), 0);
}

TEST(RequestReader, AHeaderBeyondTheLimitIsRefusedAs431HoweverItComes) {
  HttpLimits limits;
  limits.header_bytes = 1000;
  const std::size_t rest = get("/", "X: \r\n").size();
  const auto sized = [&](std::size_t size) {
    return get("/", "X: " + std::string(size - rest, 'a') + "\r\n");
  };
  EXPECT_EQ(refused(sized(1000), limits), 0);
  EXPECT_EQ(refused(sized(1001), limits), 431);
  EXPECT_EQ(refused(sized(20'000), limits), 431);
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "a: b\r\n";
  EXPECT_EQ(refused(get("/", many), limits), 431);
}

TEST(RequestReader, ATargetBeyondTheLimitIsRefusedAs414) {
  EXPECT_EQ(refused("GET /" + std::string(100'000, 'a')), 414);
  EXPECT_EQ(refused(get('/' + std::string(8192, 'a'))), 414);
  EXPECT_EQ(refused(get('/' + std::string(8000, 'a'))), 0);
}

TEST(RequestReader, ABodyBeyondTheLimitIsRefusedAs413) {
  HttpLimits limits;
  limits.body_bytes = 100;
  EXPECT_EQ(refused(post("Content-Length: 100\r\n", std::string(100, 'b')), limits), 0);
  EXPECT_EQ(refused(post("Content-Length: 101\r\n"), limits), 413) << "before any of it comes";
  EXPECT_EQ(refused(post("Content-Length: 9999999999\r\n"), limits), 413);
  const std::string chunk = "32\r\n" + std::string(50, 'c') + "\r\n";
  EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", chunk + chunk), limits), 0);
  EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", chunk + chunk + chunk), limits), 413);
}

TEST(RequestReader, TheLineOfAChunkAndWhatFollowsTheLastHaveALimitToo) {
  HttpLimits limits;
  limits.header_bytes = 1000;
  const std::string long_one(3000, 'e');
  EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", "1;" + long_one), limits), 431);
  EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", "0\r\nX: " + long_one), limits), 431);
}

TEST(RequestReader, AClientThatWaitsToBeToldToContinueIsToldOnce) {
  RequestReader reader(HttpLimits{});
  std::string bytes = post("Content-Length: 2\r\nExpect: 100-Continue\r\n");
  EXPECT_EQ(reader.put(bytes), Step::wants_continue);
  bytes = "a";
  EXPECT_EQ(reader.put(bytes), Step::more);
  bytes = "b";
  EXPECT_EQ(reader.put(bytes), Step::complete);
}

TEST(RequestReader, AClientThatDoesNotWaitForItsGoAheadIsNotToldToContinue) {
  RequestReader reader(HttpLimits{});
  std::string bytes = post("Content-Length: 2\r\nExpect: 100-continue\r\n", "ab");
  EXPECT_EQ(reader.put(bytes), Step::complete);
  reader.next();
  bytes = get("/", "Expect: 100-continue\r\n");
  EXPECT_EQ(reader.put(bytes), Step::complete) << "there is no body to wait for";
}

}  // namespace
}  // namespace pghang
