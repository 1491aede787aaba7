#include "exporters/http/login.h"

#include <chrono>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "exporters/http/basic_credentials.h"
#include "exporters/http/bcrypt.h"
#include "exporters/http/keyed_digest.h"
#include "exporters/http/login_memory.h"

namespace pghang {
namespace {

/// Made by `htpasswd -nbBC 4`: the lowest cost there is.
const std::string kSesame = "$2y$04$jswGrLppjEuibEiDTFYor.s6f8b5dN5SPHJndNk5ETe55kGAdWPW.";
const std::string kAliceSesame = "Basic YWxpY2U6c2VzYW1l";        // alice:sesame
const std::string kAliceWrong = "Basic YWxpY2U6d3Jvbmc=";         // alice:wrong
const std::string kMallorySesame = "Basic bWFsbG9yeTpzZXNhbWU=";  // mallory:sesame

std::string guess(int number) {
  // `alice:` and three bytes, none of them NUL.
  static constexpr std::string_view kDigits = "QRSTUVWXYZabcdefghijklmnopqrstuv";
  const auto index = static_cast<std::size_t>(number);
  return std::string("Basic YWxpY2U6") + kDigits[index % 32] + kDigits[index / 32] + "mm";
}

class Logins : public testing::Test {
 protected:
  Logins() { login_->set_users({{"alice", kSesame}}); }

  /// Runs the loop until so many answers are there.
  void wait_for(std::size_t answers) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (answers_.size() < answers && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(100));
    ASSERT_EQ(answers_.size(), answers);
  }

  void ask(const std::string& authorization) {
    login_->check(authorization, [this](LoginResult result) { answers_.push_back(result); });
  }

  LoginResult answer_to(const std::string& authorization) {
    answers_.clear();
    ask(authorization);
    wait_for(1);
    return answers_.empty() ? LoginResult::busy : answers_.front();
  }

  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_{
      loop_.get_executor()};
  std::unique_ptr<Login> login_ =
      std::make_unique<Login>(loop_.get_executor(), Login::Limits{.waiting = 3, .remembered = 4});
  std::vector<LoginResult> answers_;
};

TEST_F(Logins, TheRightPasswordIsAcceptedAndNothingElse) {
  EXPECT_EQ(answer_to(kAliceSesame), LoginResult::accepted);
  EXPECT_EQ(answer_to(kAliceWrong), LoginResult::refused);
  EXPECT_EQ(answer_to(kMallorySesame), LoginResult::refused);
  for (const char* nothing :
       {"", "Basic", "Basic !!!!", "Bearer YWxpY2U6c2VzYW1l", "Basic YWxpY2U="})
    EXPECT_EQ(answer_to(nothing), LoginResult::refused) << nothing;
}

TEST_F(Logins, WithoutUsersNobodyHasToLogIn) {
  login_->set_users({});
  EXPECT_FALSE(login_->required());
  EXPECT_EQ(login_->known(""), LoginResult::accepted);
}

TEST_F(Logins, AHundredScrapesCostOneHash) {
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(answer_to(kAliceSesame), LoginResult::accepted);
  EXPECT_EQ(login_->computed(), 1U);
  EXPECT_EQ(login_->known(kAliceSesame), LoginResult::accepted);
}

TEST_F(Logins, AWrongPasswordIsRememberedToo) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(answer_to(kAliceWrong), LoginResult::refused);
  EXPECT_EQ(login_->computed(), 1U);
}

TEST_F(Logins, AnUnknownUserCostsAHashAsAWrongPasswordDoes) {
  EXPECT_EQ(login_->known(kMallorySesame), std::nullopt);
  EXPECT_EQ(answer_to(kMallorySesame), LoginResult::refused);
  EXPECT_EQ(login_->computed(), 1U);
}

TEST_F(Logins, TheSameAttemptIsComputedOnceForAllWhoMakeIt) {
  for (int i = 0; i < 50; ++i)
    ask(kAliceSesame);
  wait_for(50);
  EXPECT_EQ(login_->computed(), 1U);
  EXPECT_EQ(std::vector<LoginResult>(50, LoginResult::accepted), answers_);
}

TEST_F(Logins, MoreAttemptsThanMayWaitAreNotLookedAt) {
  for (int i = 0; i < 40; ++i)
    ask(guess(i));
  wait_for(40);
  const auto busy = std::count(answers_.begin(), answers_.end(), LoginResult::busy);
  // One is at work, three wait; while 40 came, some were done.
  EXPECT_GE(busy, 1);
  EXPECT_EQ(login_->computed() + static_cast<std::uint64_t>(busy), 40U);
}

TEST_F(Logins, WhoLoggedInBeforeIsServedWhileOthersGuess) {
  ASSERT_EQ(answer_to(kAliceSesame), LoginResult::accepted);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i)
      ask(guess(10 * round + i));
    wait_for(1 + 10 * (static_cast<std::size_t>(round) + 1));
    EXPECT_EQ(login_->known(kAliceSesame), LoginResult::accepted);
  }
}

TEST_F(Logins, AChangedPasswordEndsWhatTheOldOneWasGood) {
  ASSERT_EQ(answer_to(kAliceSesame), LoginResult::accepted);
  login_->set_users({{"alice", "$2y$04$......................................................"}});
  EXPECT_EQ(login_->known(kAliceSesame), std::nullopt);
  EXPECT_EQ(answer_to(kAliceSesame), LoginResult::refused);
  login_->set_users({{"bob", kSesame}});
  EXPECT_EQ(answer_to(kAliceSesame), LoginResult::refused);
  login_->set_users({{"alice", kSesame}});
  EXPECT_EQ(answer_to(kAliceSesame), LoginResult::accepted);
}

TEST_F(Logins, ItEndsWhileAttemptsWait) {
  for (int i = 0; i < 4; ++i)
    ask(guess(i));
  login_.reset();
  loop_.run_for(std::chrono::milliseconds(50));
}

TEST(Bcrypt, KnowsItsThreeKindsAndLongPasswords) {
  for (const char* kind : {"$2a", "$2b", "$2y"})
    EXPECT_TRUE(bcrypt_matches("sesame", kind + kSesame.substr(3))) << kind;
  EXPECT_FALSE(bcrypt_matches("", kSesame));
  EXPECT_FALSE(bcrypt_matches(std::string(600, 'x'), kSesame));
  EXPECT_FALSE(bcrypt_matches("sesame", "*0"));
  EXPECT_FALSE(bcrypt_matches("sesame", ""));
}

TEST(BasicCredentials, AreUserAndPassword) {
  const BasicCredentials alice{"alice", "sesame"};
  EXPECT_EQ(parse_basic(kAliceSesame), alice);
  EXPECT_EQ(parse_basic("bAsIc   YWxpY2U6c2VzYW1l"), alice);
  EXPECT_EQ(parse_basic("Basic YTpiOmM="), (BasicCredentials{"a", "b:c"}));
  EXPECT_EQ(parse_basic("Basic Og=="), (BasicCredentials{"", ""}));
  EXPECT_EQ(parse_basic("Basic YToAYg=="), std::nullopt);
  EXPECT_EQ(parse_basic("Basic YTpi="), std::nullopt);
}

TEST(Base64, IsDecodedStrictly) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("//79"), "\xff\xfe\xfd");
  for (const char* broken : {"Z", "Zg", "Zg=", "=", "====", "Z===", "Zm9v\n", "Zm-_", "Z=9v"})
    EXPECT_EQ(decode_base64(broken), std::nullopt) << broken;
}

TEST(KeyedDigest, IsAnotherForEachKeyAndEachCut) {
  const KeyedDigest one;
  EXPECT_EQ(one.of({"a", "b"}), one.of({"a", "b"}));
  EXPECT_NE(one.of({"a", "b"}), one.of({"ab", ""}));
  EXPECT_NE(one.of({"a", "b"}), KeyedDigest().of({"a", "b"}));
  EXPECT_EQ(one.of({}).size(), 32U);
}

TEST(LoginMemory, ForgetsTheOldestOfEachEnding) {
  LoginMemory memory(2);
  memory.keep("good", true);
  for (const char* bad : {"1", "2", "3"})
    memory.keep(bad, false);
  EXPECT_EQ(memory.find("good"), true);
  EXPECT_EQ(memory.find("1"), std::nullopt);
  EXPECT_EQ(memory.find("3"), false);
  memory.keep("3", false);
  EXPECT_EQ(memory.find("2"), false);
}

}  // namespace
}  // namespace pghang
