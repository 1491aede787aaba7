#include "collectors/postgres/host_list.h"

#include <gtest/gtest.h>

namespace pghang {
namespace {

Result<std::vector<std::string>> fake_resolver(const std::string& name) {
  if (name == "dual") return std::vector<std::string>{"::1", "127.0.0.1"};
  if (name == "one") return std::vector<std::string>{"192.0.2.1"};
  return Error{Errc::disconnected, "no " + name};
}

TEST(HostEntries, ListsArePairedByPosition) {
  EXPECT_EQ(
      host_entries({{"host", "a,b"}, {"hostaddr", ",192.0.2.7"}, {"port", "1,2"}}),
      (std::vector<HostEntry>{{"a", "", "1"}, {"b", "192.0.2.7", "2"}})
  );
}

TEST(HostEntries, OnePortIsForAll) {
  EXPECT_EQ(
      host_entries({{"host", "a,b"}, {"port", "1"}}),
      (std::vector<HostEntry>{{"a", "", "1"}, {"b", "", "1"}})
  );
}

TEST(HostEntries, NothingGivenIsLibpqsDefault) {
  EXPECT_EQ(host_entries({}), (std::vector<HostEntry>{{"", "", ""}}));
}

TEST(HostEntries, ListsThatDoNotAgreeAreLeftToLibpq) {
  EXPECT_TRUE(host_entries({{"host", "a,b"}, {"hostaddr", "192.0.2.7"}}).empty());
  EXPECT_TRUE(host_entries({{"host", "a,b"}, {"port", "1,2,3"}}).empty());
}

TEST(Resolve, NameWithTwoAddressesBecomesTwoEntries) {
  EXPECT_EQ(
      *resolve({{"dual", "", "1"}, {"one", "", "2"}}, fake_resolver),
      (std::vector<HostEntry>{
          {"dual", "::1", "1"},
          {"dual", "127.0.0.1", "1"},
          {"one", "192.0.2.1", "2"}})
  );
}

TEST(Resolve, SocketsAddressesAndTheDefaultNeedNoResolver) {
  const std::vector<HostEntry> entries{
      {"/run/postgresql", "", "1"},
      {"@pg", "", "1"},
      {"", "", "1"},
      {"nowhere", "192.0.2.9", "1"}};
  EXPECT_EQ(*resolve(entries, fake_resolver), entries);
}

TEST(Resolve, UnknownNameIsPassedOverWhileAnotherIsKnown) {
  EXPECT_EQ(
      *resolve({{"nowhere", "", "1"}, {"one", "", "2"}}, fake_resolver),
      (std::vector<HostEntry>{{"one", "192.0.2.1", "2"}})
  );
}

TEST(Resolve, OnlyUnknownNamesAreAnError) {
  EXPECT_EQ(
      resolve({{"nowhere", "", "1"}}, fake_resolver).error(),
      (Error{Errc::disconnected, "no nowhere"})
  );
}

TEST(SetHostEntries, KeepsTheNameBesideTheAddress) {
  ConnectOptions options{{"host", "dual"}, {"port", "5"}, {"user", "u"}};
  set_host_entries(options, {{"dual", "::1", "5"}, {"/tmp", "", "5"}});
  EXPECT_EQ(
      options,
      (ConnectOptions{{"host", "dual,/tmp"}, {"hostaddr", "::1,"}, {"port", "5,5"}, {"user", "u"}})
  );
}

TEST(SetHostEntries, DefaultSocketStaysUnnamed) {
  ConnectOptions options;
  set_host_entries(options, {{"", "", ""}});
  EXPECT_EQ(options, ConnectOptions{});
}

TEST(SystemResolver, NumericAddressResolvesToItself) {
  EXPECT_EQ(*system_resolver("127.0.0.1"), std::vector<std::string>{"127.0.0.1"});
}

}  // namespace
}  // namespace pghang
