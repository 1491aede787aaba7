#include "exporters/http/response_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghang {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kNow = 1'795'360'323'000'000;

TEST(ResponseHeader, HasTheFieldsOfTheAnswerAndOfEveryAnswer) {
  HttpResponse response{405, "text/plain", "no", "GET, HEAD"};
  response.challenge = "Basic";
  const std::string header =
      response_header(response, {.keep_alive = true, .content_length = 2}, {}, kNow);
  EXPECT_EQ(
      header,
      "HTTP/1.1 405 Method Not Allowed\r\n"
      "Server: pghangd\r\n"
      "Date: Sun, 22 Nov 2026 15:12:03 GMT\r\n"
      "Cache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
      "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'\r\n"
      "Content-Type: text/plain\r\n"
      "Content-Length: 2\r\n"
      "Allow: GET, HEAD\r\n"
      "WWW-Authenticate: Basic\r\n"
      "\r\n"
  );
}

TEST(ResponseHeader, SaysWhetherTheConnectionStaysInTheWordsOfTheClientsVersion) {
  const auto connection = [](bool http_1_0, bool keep_alive) {
    return response_header({}, {.http_1_0 = http_1_0, .keep_alive = keep_alive}, {}, kNow);
  };
  EXPECT_THAT(connection(false, true), Not(HasSubstr("Connection:")));
  EXPECT_THAT(connection(false, false), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(connection(true, true), HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(connection(true, false), Not(HasSubstr("Connection:")));
  EXPECT_THAT(connection(true, false), StartsWith("HTTP/1.0 200 OK\r\n"));
}

TEST(ResponseHeader, AnAnswerWithoutBodySaysNothingOfOne) {
  HttpResponse response;
  response.status = 304;
  response.etag = "\"1\"";
  const std::string header = response_header(response, {.keep_alive = true}, {}, kNow);
  EXPECT_THAT(header, StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(header, HasSubstr("\r\nETag: \"1\"\r\n"));
  EXPECT_THAT(header, HasSubstr("\r\nCache-Control: private, no-cache\r\n"));
  EXPECT_THAT(header, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(header, Not(HasSubstr("\r\nContent-Type")));
}

TEST(ResponseHeader, ACompressedAnswerHasAWeakETag) {
  HttpResponse response;
  response.etag = "\"1\"";
  const ResponseFraming framing{.varies = true, .content_encoding = "gzip"};
  EXPECT_THAT(response_header(response, framing, {}, kNow), HasSubstr("\r\nETag: W/\"1\"\r\n"));
  response.etag = "W/\"2\"";
  const std::string header = response_header(response, framing, {}, kNow);
  EXPECT_THAT(header, HasSubstr("\r\nETag: W/\"2\"\r\n"));
  EXPECT_THAT(header, HasSubstr("\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n"));
}

TEST(ResponseHeader, ConfiguredFieldsReplaceOursWhateverTheirCase) {
  const HttpFields more{
      {"content-security-policy", "default-src 'self'"},
      {"Strict-Transport-Security", "max-age=1"}};
  const std::string header = response_header({}, {}, more, kNow);
  EXPECT_THAT(header, HasSubstr("\r\nContent-Security-Policy: default-src 'self'\r\n"));
  EXPECT_THAT(header, Not(HasSubstr("frame-ancestors")));
  EXPECT_THAT(header, HasSubstr("\r\nStrict-Transport-Security: max-age=1\r\n"));
}

TEST(ResponseHeader, WhatIsNoFieldOrWouldFalsifyTheFramingIsLeftOut) {
  const HttpFields more{
      {"X-A", "1\r\nX-B: 2"},
      {"X C", "3"},
      {"", "4"},
      {"content-length", "5"},
      {"Transfer-Encoding", "chunked"},
      {"X-D", "6\n"},
  };
  EXPECT_EQ(response_header({}, {}, more, kNow), response_header({}, {}, {}, kNow));
  EXPECT_THAT(response_header({}, {}, more, kNow), EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace pghang
