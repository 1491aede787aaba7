#include "diagnosis/server_version.h"

#include <gtest/gtest.h>

#include "diagnosis/signature_subject.h"
#include "tests/diagnosis/evidence_builder.h"

namespace pghang {
namespace {

using tests::Given;

Evidence with(const std::string& executable) {
  return Given().capture([&](Capture& c) { c.server_version = executable; }).evidence();
}

TEST(ServerVersion, IsThatOfTheConnection) {
  Evidence evidence = with("15.19");
  evidence.server = ServerInfo{150020, "15.20", "", false};
  EXPECT_EQ(server_version(evidence), "15.20");
  EXPECT_EQ(server_release(evidence), (PgVersion{.major = 15, .minor = 20}));
  EXPECT_EQ(server_major(evidence), 15);
}

TEST(ServerVersion, IsThatOfTheExecutableElse) {
  EXPECT_EQ(server_version(with("10.23")), "10.23");
  EXPECT_EQ(server_release(with("10.23")), (PgVersion{.major = 10, .minor = 23}));
  EXPECT_EQ(server_release(with("18beta1")), (PgVersion{.major = 18, .minor = 0}));
}

TEST(ServerVersion, IsNotGuessed) {
  EXPECT_EQ(server_version(with("")), "");
  EXPECT_EQ(server_release(with("")), std::nullopt);
  EXPECT_EQ(server_release(with("devel")), std::nullopt);
  EXPECT_EQ(server_major(with("")), 0);
}

TEST(ServerVersion, LetsSignaturesDecideWithoutAConnection) {
  EXPECT_EQ(subject_of(with("10.4")).version, (PgVersion{.major = 10, .minor = 4}));
  EXPECT_EQ(subject_of(with("")).version, std::nullopt);
}

TEST(ServerVersion, LetsSignaturesKnowTheWaitEventWithoutAConnection) {
  Evidence evidence = with("15.20");
  evidence.capture.samples.back().flags.wait_event_info = 0x0300'0000;
  EXPECT_EQ(subject_of(evidence).wait_event, "Lock/relation");
  evidence.capture.samples.back().flags.wait_event_info = 0;
  EXPECT_EQ(subject_of(evidence).wait_event, "");
  evidence.capture.samples.back().flags.wait_event_info.reset();
  EXPECT_EQ(subject_of(evidence).wait_event, std::nullopt);
}

}  // namespace
}  // namespace pghang
