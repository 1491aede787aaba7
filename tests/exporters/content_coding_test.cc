#include "exporters/http/content_coding.h"

#include <zlib.h>

#include <gtest/gtest.h>

#include "tests/exporters/http_client.h"

namespace pghang {
namespace {

std::string gunzipped(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  std::string input = bytes;
  std::string text(1UL << 20U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  text.resize(stream.total_out);
  ::inflateEnd(&stream);
  return text;
}

TEST(ContentCoding, GzipIsTakenWhereItIsNamedAndNotWorseThanNothing) {
  for (const char* value :
       {"gzip",
        "GZIP",
        "x-gzip",
        "deflate, gzip",
        "gzip;q=0.001",
        "gzip;q=1.000",
        " gzip ; q=0.5 , br",
        "*",
        "br;q=1.0, *;q=0.1",
        "identity;q=0, *",
        "identity;q=0.5, gzip;q=0.5",
        "gzip, *;q=0",
        ",,gzip,"})
    EXPECT_TRUE(accepts_gzip(value)) << value;
  for (const char* value :
       {"",
        "identity",
        "br, deflate",
        "gzip;q=0",
        "gzip;q=0.000",
        "*;q=0",
        "gzip;q=0, *",
        "identity, gzip;q=0.5",
        "gzip;q=2",
        "gzip;q=1.001",
        "gzip;q=0.0001",
        "gzip;q=-1",
        "gzip;q=",
        "gzip;level=9",
        "gzipped",
        "gzip gzip",
        ";q=1",
        ","})
    EXPECT_FALSE(accepts_gzip(value)) << value;
}

TEST(ContentCoding, WhatIsCompressedIsTheSameAgain) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "pghangd_backends{target=\"main\"} " + std::to_string(i) + '\n';
  const auto compressed = gzip(text);
  ASSERT_TRUE(compressed);
  EXPECT_LT(compressed->size(), text.size() / 4);
  EXPECT_EQ(gunzipped(*compressed), text);
}

TEST(ContentCoding, WhatWouldGrowIsLeftAsItIs) {
  std::string noise;
  for (std::uint32_t i = 0, state = 1; i < 5000; ++i, state = state * 1664525U + 1013904223U)
    noise += static_cast<char>(state >> 24U);
  EXPECT_FALSE(gzip(noise));
  EXPECT_FALSE(gzip(""));
}

HttpResponse of_size(const HttpRequest& request) {
  HttpResponse response{
      200,
      "text/plain",
      std::string(std::stoul(request.path.substr(1)), 'x'),
      ""};
  response.etag = "\"1\"";
  return response;
}

std::optional<ClientResponse> asked(
    const ServedHttp& http,
    const std::string& path,
    const std::string& accept,
    bool head = false
) {
  HttpClient client = http.connect();
  const std::string fields = accept.empty() ? "" : "Accept-Encoding: " + accept + "\r\n";
  client.send((head ? "HEAD " : "GET ") + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  return client.receive(head);
}

TEST(HttpServer, CompressesABodyThatIsNeitherSmallNorHugeForWhoeverAcceptsThat) {
  const ServedHttp http(of_size);
  const auto compressed = asked(http, "/1024", "gzip");
  EXPECT_EQ(compressed->fields.at("content-encoding"), "gzip");
  EXPECT_EQ(compressed->fields.at("vary"), "Accept-Encoding");
  EXPECT_EQ(compressed->fields.at("etag"), "W/\"1\"");
  EXPECT_EQ(gunzipped(compressed->body), std::string(1024, 'x'));

  const auto plain = asked(http, "/1024", "");
  EXPECT_EQ(plain->body, std::string(1024, 'x'));
  EXPECT_EQ(plain->fields.at("vary"), "Accept-Encoding") << "a cache must not give it to the other";
  EXPECT_EQ(plain->fields.at("etag"), "\"1\"");

  for (const char* path : {"/1023", "/262145"}) {
    const auto as_it_is = asked(http, path, "gzip");
    EXPECT_FALSE(as_it_is->fields.contains("content-encoding")) << path;
    EXPECT_FALSE(as_it_is->fields.contains("vary")) << path;
  }
}

TEST(HttpServer, TheHeaderOfHeadIsThatOfGetCompressedOrNot) {
  const ServedHttp http(of_size);
  for (const char* accept : {"", "gzip"}) {
    auto get = asked(http, "/5000", accept)->fields;
    auto head = asked(http, "/5000", accept, true)->fields;
    get.erase("date");
    head.erase("date");
    EXPECT_EQ(head, get) << accept;
  }
}

}  // namespace
}  // namespace pghang
