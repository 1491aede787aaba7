#include "exporters/external_url.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

TEST(ExternalUrl, IsTheConfiguredOneWithoutTheSlashThatPathsBringAlong) {
  EXPECT_EQ(external_url("https://db1/hang/", "127.0.0.1:10187", "db1"), "https://db1/hang");
}

TEST(ExternalUrl, IsTheFirstListenerWhereNoneIsConfigured) {
  EXPECT_EQ(external_url("", "127.0.0.1:10187", "db1"), "http://127.0.0.1:10187");
  EXPECT_EQ(external_url("", "[::1]:10187", "db1"), "http://[::1]:10187");
}

TEST(ExternalUrl, IsHttpsOverTls) {
  EXPECT_EQ(external_url("", "127.0.0.1:10187", "db1", true), "https://127.0.0.1:10187");
  EXPECT_EQ(external_url("", "[::]:10187", "db1", true), "https://db1:10187");
  EXPECT_EQ(external_url("http://db1", "[::]:10187", "db1", true), "http://db1");
}

TEST(ExternalUrl, NamesTheHostWhereEveryInterfaceIsListenedOn) {
  EXPECT_EQ(external_url("", "0.0.0.0:10187", "db1"), "http://db1:10187");
  EXPECT_EQ(external_url("", "[::]:10187", "db1"), "http://db1:10187");
}

TEST(ExternalUrl, TheHostHasAName) {
  EXPECT_FALSE(host_name().empty());
}

}  // namespace
}  // namespace pghang
