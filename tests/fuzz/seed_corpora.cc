#include <cstdio>
#include <filesystem>
#include <string>

#include "collectors/evidence/archive.h"
#include "collectors/evidence/codec.h"
#include "collectors/sampler/capture_report.h"
#include "collectors/sampler/protocol.h"
#include "collectors/stack/snapshot.h"
#include "config/rule_text.h"
#include "daemon/escalation/saved_sighting.h"
#include "exporters/bundle/bundle.h"
#include "tests/collectors/sampler/sample_capture.h"
#include "tests/collectors/stack/fixture.h"
#include "tests/fuzz/base_file.h"
#include "tests/fuzz/input.h"

/// `seed_corpora FOLDER PID`: first inputs for every fuzz target, FOLDER/TARGET/*, from the
/// recorded fixtures and from /proc/PID of a backend.
namespace pghang::fuzz {
namespace {

class Seeds {
 public:
  Seeds(const std::string& folder, const std::string& target) : folder_(folder + "/" + target) {
    std::filesystem::create_directories(folder_);
  }

  void add(const std::string& input) {
    (void)test::write_file(folder_ + "/seed" + std::to_string(++count_), input);
  }

  /// `kind` is the target's first byte.
  void add(std::uint8_t kind, const std::string& rest) { add(static_cast<char>(kind) + rest); }

 private:
  std::string folder_;
  int count_ = 0;
};

constexpr std::uint8_t kAsTheyAre = 255;

void stacks(const std::string& folder) {
  Seeds snapshots(folder, "snapshot");
  for (std::uint8_t i = 0; i < 4; ++i)
    snapshots.add(i, "");
  snapshots.add(kAsTheyAre, encode_snapshot(test::in_place_snapshot(0x10c4, {1, 2, 3})));
  // No registers but sp and pc; a cut stack.
  snapshots.add(3, std::string("\x01\x06\x00\x01\x03\x00", 6));
  snapshots.add(3, std::string("\x04\x00\x10\x01", 4));

  Seeds files(folder, "elf");
  for (std::uint8_t i = 0; i < 3; ++i)
    files.add(i, "");
  Output change;
  put_change(change, 0x30, "\xff\xff\xff\xff");
  files.add(0, change.take());

  Seeds tables(folder, "eh_frame");
  const std::string cie("\x0c\x07\x08\x90\x01", 5);
  for (const std::string& fde : {test::frame_pointer_cfi(), test::outermost_cfi(), std::string()})
    tables.add(0, '\0' + (static_cast<char>(cie.size()) + cie + fde));
  // CFA by an expression: breg7(rsp) 8, dup, drop; remember and restore; a saved register.
  tables.add(
      3,
      std::string(2, '\0') +
          std::string("\x0f\x04\x77\x08\x12\x13\x90\x01\x41\x0a\x86\x02\x41\x0b", 14)
  );
  const std::string elf = test::build_elf({{"f", test::kTextStart, std::string(64, '\x90'), ""}});
  const std::string frames = elf.substr(test::kEhFrame, 0x80);
  tables.add(4, std::string("\x01\x28") + frames);
  tables.add(4, std::string("\x02\x14") + elf.substr(test::kEhFrameHdr, 0x14) + frames);

  Seeds debug(folder, "debug_data");
  debug.add(0, test::file_text(PGHANG_SOURCE_DIR "/tests/fuzz/base/sample.so.xz"));
  debug.add(1, "");
  debug.add(2, "");
}

void texts(const std::string& folder, const std::string& pid) {
  Seeds seeds(folder, "proc");
  const std::string process = "/proc/" + pid + "/";
  std::uint8_t kind = 0;
  for (const std::string& path :
       {process + "stat",
        process + "status",
        process + "maps",
        process + "syscall",
        process + "io",
        process + "schedstat",
        process + "stack",
        process + "cmdline",
        std::string("/proc/stat"),
        process + "cgroup",
        process + "fdinfo/3",
        process + "mountinfo"}) {
    seeds.add(kind++, test::file_text(path).substr(0, 500));
  }
}

void messages(const std::string& folder, const Bundle& saved) {
  using sampler::CaptureRequest;
  using sampler::ChildReport;
  using sampler::encode_message;
  using sampler::MessageType;
  using sampler::SamplerStats;
  Seeds seeds(folder, "message");
  Capture real = saved.evidence.capture;
  real.stack.frames.resize(3);
  real.samples.resize(1);
  const std::string full = codec::encode(sampler::testing::full_capture());
  seeds.add(0, encode_message({.type = MessageType::captured, .id = 7}, full));
  seeds.add(0, encode_message({.type = MessageType::capture}, codec::encode(CaptureRequest{})));
  seeds.add(0, sampler::encode_failure(9, Error{Errc::not_found, "no such process"}));
  seeds.add(0, encode_message({.type = MessageType::stats_reply}, codec::encode(SamplerStats{})));
  seeds.add(1, codec::encode(real));
  ChildReport report;
  report.capture = real;
  report.stacks.push_back(test::in_place_snapshot(0x10c4, {1, 2, 3}));
  report.stack_of_sample = {1, 1, 0};
  seeds.add(2, codec::encode(report));
  Output fields;
  fields.put(real);
  seeds.add(3, fields.take());
  Output report_fields;
  report_fields.put(report);
  seeds.add(4, report_fields.take());
}

void bundles(const std::string& folder, const std::string& file, Bundle saved) {
  Seeds seeds(folder, "bundle");
  seeds.add(0, test::file_text(file));
  // Small, so that what grows of them is.
  saved.evidence.capture.stack.frames.resize(3);
  saved.evidence.capture.samples.resize(1);
  std::string plain;
  archive::put(plain, saved);
  seeds.add(1, plain);

  Seeds evidence(folder, "evidence");
  Output real;
  real.put(saved.evidence);
  evidence.add(real.take());
  saved.evidence.capture = sampler::testing::full_capture();
  Output full;
  full.put(saved.evidence);
  evidence.add(full.take());
}

void requests(const std::string& folder) {
  Seeds seeds(folder, "request");
  constexpr std::uint8_t kWhole = 255;
  const std::string host = " HTTP/1.1\r\nHost: x\r\n";
  for (const char* path :
       {"/",
        "/metrics",
        "/api/v1/status",
        "/api/v1/backends",
        "/api/v1/incidents?state=open&limit=2",
        "/api/v1/incidents/20261122T151003Z-4711?format=text",
        "/incidents/20261122T151003Z-4711",
        "/api/v1/fingerprints/0123456789abcdef",
        "/fingerprints/0123456789abcdef",
        "/-/ready",
        "/nothing"}) {
    const std::string request = "GET " + std::string(path) + host;
    seeds.add(kWhole, request + "Accept-Encoding: br;q=0.5, gzip\r\n\r\n");
    seeds.add(
        6,
        "HEAD" + request.substr(3) + "If-None-Match: W/\"1\", *\r\n\r\n" + request + "\r\n"
    );
  }
  for (const char* path :
       {"/-/reload",
        "/-/pause?for=1h&reason=a%20b",
        "/-/resume",
        "/-/breaker/reset?target=a&rule=b"}) {
    seeds.add(kWhole, "POST " + std::string(path) + host + "Content-Length: 0\r\n\r\n");
    seeds.add(
        6,
        "POST " + std::string(path) + host +
            "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\n"
    );
  }
  seeds.add(
      0,
      "POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
      "Content-Length: 1\r\n\r\na"
  );
  seeds.add(kWhole, "GET http://x/ HTTP/1.1\r\nhost: x\r\nAuthorization: Basic eDp5\r\n\r\n");
  seeds.add(kWhole, std::string("\x16\x03\x01\x02\x00\x01", 6));
}

void zones(const std::string& folder) {
  Seeds seeds(folder, "time_zone");
  for (const char* rule :
       {"",
        "UTC0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+0330>-3:30",
        "EST5EDT,J60/-24,300/167:59:59"}) {
    Output input;
    input.number(std::int64_t{1'700'000'000});
    input.bytes(rule);
    seeds.add(0, input.take());
  }
  Output change;
  put_change(change, 40, "\xff\xff\xff\xff");
  seeds.add(1, change.take());
  for (const char* zone : {"Etc/UTC", "Asia/Kolkata"})
    seeds.add(2, test::file_text(std::string("/usr/share/zoneinfo/") + zone));
}

template <typename T>
std::string archived(const T& value) {
  std::string bytes;
  archive::put(bytes, value);
  return bytes;
}

void stores(const std::string& folder, Bundle saved) {
  using namespace escalation;
  Seeds seeds(folder, "store");
  saved.evidence.capture.stack.frames.resize(3);
  saved.evidence.capture.samples.resize(1);
  Incident incident;
  incident.id = "incident-1";
  incident.target = "main";
  incident.evidence = saved.evidence;
  incident.timeline = {{Stage::matched, 1, "matched"}, {Stage::cancel_sent, 2, ""}};
  seeds.add(0, archived(incident));
  SavedSighting sighting;
  sighting.rule_name = "stuck-query";
  sighting.rule = rule_text(default_settings().rules.front());
  sighting.guard.backend = {4711, PgTimestamp{1000}};
  sighting.guard.check_query_start = true;
  sighting.guard.query_start = PgTimestamp{2000};
  sighting.guard.state = "active";
  sighting.activity.backend_type = "client backend";
  sighting.machine.stage = Stage::cancel_sent;
  sighting.machine.cancel_accepted_at = Moment{1'000'000'000};
  sighting.machine.hold_off = SavedHoldOff{Moment{1'000'000'000}, Duration{30'000}};
  seeds.add(1, archived(sighting));
  sighting.machine.stage = Stage::matched;
  sighting.machine.under_way = SavedOrder{SignalKind::cancel, Duration{30'000}};
  seeds.add(1, archived(sighting));
  SavedSafeguards safeguards;
  safeguards.spent = {Moment{1'000'000'000}, Moment{2'000'000'000}};
  SavedBreaker closed;
  closed.rule = "stuck-query";
  closed.matches = 4;
  closed.past = {{Moment{1'000'000'000}, 2}, {Moment{3'000'000'000}, 4}};
  SavedBreaker open;
  open.rule = "idle-in-transaction";
  open.matches = 20;
  open.open = SavedOpenBreaker{3, 20, Moment{2'000'000'000}};
  safeguards.breakers = {closed, open};
  seeds.add(2, archived(safeguards));
  seeds.add(3, "");
  Output change;
  put_change(change, 300, "\xff\xff\xff\xff");
  seeds.add(3, change.take());
}

}  // namespace
}  // namespace pghang::fuzz

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: seed_corpora FOLDER PID\n");
    return 64;
  }
  const std::string file = PGHANG_SOURCE_DIR "/tests/fixtures/bundles/v1-copy-from-fifo.pghang";
  const auto saved = pghang::read_bundle(file);
  if (!saved) return 1;
  pghang::fuzz::stacks(argv[1]);
  pghang::fuzz::texts(argv[1], argv[2]);
  pghang::fuzz::messages(argv[1], *saved);
  pghang::fuzz::bundles(argv[1], file, *saved);
  pghang::fuzz::requests(argv[1]);
  pghang::fuzz::zones(argv[1]);
  pghang::fuzz::stores(argv[1], *saved);
}
