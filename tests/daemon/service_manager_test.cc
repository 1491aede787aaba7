#include "daemon/service/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace pghang {
namespace {

/// systemd's end of the protocol.
class Service : public testing::Test {
 protected:
  Service() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "pghangd-test-" + std::to_string(::getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }

  ~Service() override {
    for (const char* name :
         {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"})
      ::unsetenv(name);
  }

  /// The next datagram; empty when there is none.
  std::string received() {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
  }

 private:
  UniqueFd socket_;
};

TEST_F(Service, TellsReadyReloadingAliveAndStopping) {
  const ServiceManager manager = ServiceManager::from_environment();
  manager.ready();
  EXPECT_EQ(received(), "READY=1");
  manager.reloading();
  EXPECT_TRUE(received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  manager.alive();
  EXPECT_EQ(received(), "WATCHDOG=1");
  manager.stopping();
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(Service, AStatusIsOneLineOfBoundedLengthAndWholeCharacters) {
  const ServiceManager manager = ServiceManager::from_environment();
  manager.status("1 of 1 target up\nREADY=1");
  EXPECT_EQ(received(), "STATUS=1 of 1 target up");
  manager.status(std::string(399, 'a') + "\xc3\xa4" + std::string(50, 'b'));
  EXPECT_EQ(received(), "STATUS=" + std::string(399, 'a') + "...");
}

TEST_F(Service, DoesNotWaitForASystemdThatDoesNotRead) {
  const ServiceManager manager = ServiceManager::from_environment();
  for (int i = 0; i < 100'000; ++i)
    manager.alive();
  EXPECT_EQ(received(), "WATCHDOG=1");
}

TEST_F(Service, TheWatchdogIsThatOfThisProcess) {
  EXPECT_FALSE(ServiceManager::from_environment().watchdog());
  ::setenv("WATCHDOG_USEC", "10000000", 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog(), std::chrono::seconds(10));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceManager::from_environment().watchdog(), std::chrono::seconds(10));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid() + 1).c_str(), 1);
  EXPECT_FALSE(ServiceManager::from_environment().watchdog());
  ::unsetenv("WATCHDOG_PID");
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_FALSE(ServiceManager::from_environment().watchdog());
}

TEST_F(Service, WithoutSystemdNothingIsTold) {
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  ServiceManager::from_environment().ready();
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  ServiceManager::from_environment().ready();
  ::unsetenv("NOTIFY_SOCKET");
  ServiceManager::from_environment().ready();
  EXPECT_EQ(received(), "");
}

TEST_F(Service, SocketsMeantForAnotherProcessAreNotTaken) {
  ::setenv("LISTEN_FDS", "1", 1);
  EXPECT_TRUE(take_listening_sockets().empty());
  ::setenv("LISTEN_PID", std::to_string(::getpid() + 1).c_str(), 1);
  EXPECT_TRUE(take_listening_sockets().empty());
}

}  // namespace
}  // namespace pghang
