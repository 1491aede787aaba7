#include "collectors/stack/call_site.h"

#include <gtest/gtest.h>

#include "tests/collectors/stack/elf_builder.h"

namespace pghang::test {
namespace {

constexpr std::uint64_t kFunction = 0x1000;

/// The call site that ends where `code`, which starts at kFunction, ends.
CallSite site_behind(const std::string& code) {
  MapModules modules;
  const std::string padded = code + '\x90';
  modules.add("/made/up.so", ElfModule::parse(build_elf({{"f", kFunction, padded, ""}})).value());
  const StackSnapshot snapshot = in_place_snapshot(kFunction, {});
  const AddressLayout layout(snapshot, modules);
  return call_before(layout, kBias + kFunction + code.size());
}

TEST(CallSite, ReadsTheTargetOfADirectCall) {
  const CallSite site = site_behind(std::string("\x90\x90") + call(kFunction + 2, 0x1234));
  EXPECT_EQ(site.kind, CallSite::Kind::direct);
  EXPECT_EQ(site.target, kBias + 0x1234);
}

TEST(CallSite, ReadsTheSlotOfACallThroughTheGot) {
  // call *0x10(%rip)
  const CallSite site = site_behind(std::string("\x90\xff\x15\x10\0\0\0", 7));
  EXPECT_EQ(site.kind, CallSite::Kind::slot);
  EXPECT_EQ(site.target, kBias + kFunction + 7 + 0x10);
}

TEST(CallSite, KnowsEveryFormOfIndirectCall) {
  const std::string nops(8, '\x90');
  for (const std::string& code :
       {std::string("\xff\xd0"),                      // call *%rax
        std::string("\x41\xff\xd4"),                  // call *%r12
        std::string("\xff\x10"),                      // call *(%rax)
        std::string("\xff\x50\x08"),                  // call *0x8(%rax)
        std::string("\xff\x14\xc8"),                  // call *(%rax,%rcx,8)
        std::string("\xff\x54\x24\x08"),              // call *0x8(%rsp)
        std::string("\xff\x90\x10\x02\0\0", 6),       // call *0x210(%rax)
        std::string("\xff\x94\x24\x10\x02\0\0", 7),   // call *0x210(%rsp)
        std::string("\xff\x14\xc5\x10\x02\0\0", 7)})  // call *0x210(,%rax,8)
  {
    EXPECT_EQ(site_behind(nops + code).kind, CallSite::Kind::indirect)
        << testing::PrintToString(code);
  }
}

TEST(CallSite, SeesNoCallInOtherCode) {
  const std::string nops(8, '\x90');
  EXPECT_EQ(site_behind(nops).kind, CallSite::Kind::none);
  EXPECT_EQ(site_behind(nops + "\xff\xe0").kind, CallSite::Kind::none);      // jmp *%rax
  EXPECT_EQ(site_behind(nops + "\xff\xc0").kind, CallSite::Kind::none);      // inc %eax
  EXPECT_EQ(site_behind(nops + "\xff\x50").kind, CallSite::Kind::none);      // cut: needs disp8
  EXPECT_EQ(site_behind(nops + "\xff\xd0\x90").kind, CallSite::Kind::none);  // one byte further
}

TEST(Prologue, ReadsTheSizeOfTheLocals) {
  // endbr64; push %rbp; mov %rsp,%rbp; push %r15; push %rbx; sub $0x68,%rsp
  EXPECT_EQ(
      prologue_locals("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x41\x57\x53\x48\x83\xec\x68\xe8"),
      0x68U
  );
  // push %rbp; mov %edx,%eax; lea 0x10(%rip),%rcx; mov %rsp,%rbp; sub $0x1018,%rsp
  EXPECT_EQ(
      prologue_locals(std::string(
          "\x55\x89\xd0\x48\x8d\x0d\x10\0\0\0\x48\x89\xe5\x48\x81\xec\x18\x10\0\0\x90",
          21
      )),
      0x1018U
  );
  // push %rbp; movdqu (%rsi),%xmm0; mov 0x8(%rax,%rcx,4),%edx; sub $0x20,%rsp
  EXPECT_EQ(prologue_locals("\x55\xf3\x0f\x6f\x06\x8b\x54\x88\x08\x48\x83\xec\x20\x90"), 0x20U);
}

TEST(Prologue, GivesUpAtABranchOrTheEnd) {
  EXPECT_EQ(prologue_locals(std::string("\x55\x74\x02\x48\x83\xec\x68", 7)), 0U);  // je
  EXPECT_EQ(prologue_locals(std::string("\xc3\x48\x83\xec\x68", 5)), 0U);          // ret
  EXPECT_EQ(prologue_locals("\x55\x48\x81\xec\x18"), 0U);                          // cut
  EXPECT_EQ(prologue_locals(""), 0U);
}

TEST(Prologue, IsNotFooledByBytesInsideAnInstruction) {
  // mov $0x68ec8348,%eax; ret: the bytes of `sub $0x68,%rsp` are an operand.
  EXPECT_EQ(prologue_locals("\xb8\x48\x83\xec\x68\xc3"), 0U);
}

}  // namespace
}  // namespace pghang::test
