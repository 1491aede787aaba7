#include "tests/collectors/sampler/sample_capture.h"

namespace pghang::sampler::testing {
namespace {

Sample full_sample() {
  Sample sample{
      .at_micros = 1'234'567,
      .state = ProcessState::uninterruptible,
      .frozen = true,
      .tracer_pid = 99,
      .signals{1, 2, 3, 4, 5},
      .cpu_nanos = 6,
      .voluntary_switches = 7,
      .involuntary_switches = 8,
      .io = IoCounters{9, 10, 11, 12},
      .flags = {},
      .stack_id = 13};
  sample.flags.interrupt_pending = 1;
  sample.flags.query_cancel_pending = 0;
  sample.flags.proc_die_pending = 1;
  sample.flags.interrupt_holdoff_count = 2;
  sample.flags.query_cancel_holdoff_count = 3;
  sample.flags.crit_section_count = -4;
  sample.flags.proc_exit_inprogress = 0;
  sample.flags.client_auth_in_progress = 1;
  sample.flags.shutdown_request_pending = 0;
  sample.flags.my_backend_type = 5;
  sample.flags.wait_event_info = 0x0A000003;
  return sample;
}

Frame full_frame() {
  return {
      .address = 0x7f0000001234,
      .function = "mdread",
      .demangled = "mdread()",
      .module = "/usr/lib/postgresql/15/bin/postgres",
      .offset = 0x1234,
      .build_id = "0011223344",
      .fde_start = 0x1200,
      .kind = FrameKind::plt,
      .recovered = true,
      .inlined = true,
      .file = "./src/backend/storage/smgr/md.c",
      .line = 661};
}

}  // namespace

Capture full_capture() {
  Capture capture;
  capture.key = {4242, 987'654};
  capture.captured_at_micros = 1'700'000'000'000'001;
  capture.gone = true;
  capture.postgres = true;
  capture.comm = "postgres";
  capture.title = "postgres: 15/main: app shop [local] COPY";
  capture.ppid = 4000;
  capture.ns_pid = 42;
  capture.wchan = "pipe_read";
  capture.tracer = RelatedProcess{1, "gdb", ProcessState::sleeping, "x"};
  capture.children = {{2, "sh", ProcessState::running, ""}, {3, "cat", ProcessState::zombie, "y"}};
  capture.kernel_stack = {"pipe_read+0x1", "vfs_read+0x2"};
  Syscall syscall;
  syscall.number = 257;
  syscall.name = "openat";
  syscall.args = {"AT_FDCWD", "\"/x/fifo\"", "O_RDONLY"};
  syscall.text = "openat(AT_FDCWD, \"/x/fifo\", O_RDONLY)";
  syscall.path = "/x/fifo";
  syscall.at_least_seconds = 0.04;
  syscall.fd = FdTarget{
      .number = 5,
      .kind = FdKind::fifo,
      .target = "/x/fifo",
      .mount = "/x",
      .fs_type = "ext4",
      .device = "/dev/vda1",
      .deleted = true,
      .peers = {{7, "writer", ProcessState::stopped, "z"}},
      .detail = "read end",
      .events = "EPOLLIN",
      .block_device = "/dev/vda1",
      .backing = "/srv/image",
      .servers = {{8, "sshfs", ProcessState::sleeping, ""}},
      .servers_certain = true,
      .fuse_connection = 45,
      .protocol = "tcp",
      .local = "127.0.0.1:1",
      .remote = "127.0.0.1:2",
      .state = "LISTEN",
      .queues = SocketQueues{3, 4},
      .lock = "FLOCK WRITE"};
  syscall.at_least_source = kFromSamples;
  syscall.members = {*syscall.fd};
  syscall.members_left_out = 2;
  capture.oom = OomScore{666, -900};
  capture.syscall = syscall;
  capture.stack = {
      .method = CaptureMethod::ptrace_stop,
      .held_micros = 55.5,
      .complete = true,
      .stop_reason = "why",
      .frames = {full_frame(), full_frame()}};
  capture.samples = {full_sample(), full_sample()};
  capture.missing = {{"kernel_stack", "Permission denied", "CAP_SYS_ADMIN"}};
  capture.cpu_micros = 321.5;
  capture.wall_micros = 654.25;
  capture.torn_copies = 2;
  capture.child_cpu_micros = 123.5;
  return capture;
}

}  // namespace pghang::sampler::testing
