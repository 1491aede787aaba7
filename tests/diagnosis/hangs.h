#pragma once

#include <string>

#include "tests/diagnosis/evidence_builder.h"

/// Hangs as they were seen on real servers (DESIGN section 2, SIGNATURES), retold as evidence.
namespace pghang::tests {

inline FdTarget descriptor(int number, FdKind kind, const std::string& target) {
  FdTarget fd;
  fd.number = number;
  fd.kind = kind;
  fd.target = target;
  return fd;
}

inline Syscall open_fifo(const std::string& path, const std::string& mode) {
  Syscall call;
  call.number = 257;
  call.name = "openat";
  call.args = {"AT_FDCWD", '"' + path + '"', mode};
  call.text = "openat(AT_FDCWD, \"" + path + "\", " + mode + ")";
  call.path = path;
  call.at_least_seconds = 0.04;
  call.at_least_source = kFromSamples;
  return call;
}

inline Syscall plain_call(const std::string& name, const std::string& arguments) {
  Syscall call;
  call.name = name;
  call.text = name + "(" + arguments + ")";
  return call;
}

inline Syscall call_on(const std::string& name, FdTarget fd) {
  Syscall call = plain_call(name, std::to_string(fd.number) + ", 0x55d0c0de, 8192");
  call.fd = std::move(fd);
  return call;
}

/// COPY t FROM a FIFO that nobody writes to.
inline Given copy_from_fifo() {
  return Given()
      .terminate_ago(45)
      .die_pending()
      .samples([](Sample& s) { s.flags.interrupt_pending = 1; })
      .in_call(open_fifo("/tmp/x/fifo", "O_RDONLY"))
      .stack(
          {"libc.so.6:__open64",
           "libc.so.6:_IO_file_open",
           "AllocateFile",
           "BeginCopyFrom",
           "DoCopy",
           "standard_ProcessUtility",
           "",
           "PortalRun",
           "",
           "PostgresMain",
           "",
           "PostmasterMain",
           "main"}
      )
      .capture([](Capture& c) { c.wchan = "wait_for_partner"; });
}

/// `while True: pass` in PL/Python.
inline Given python_loop() {
  return Given()
      .states("RRR")
      .terminate_ago(45)
      .die_pending()
      .stack(
          {"libpython3.11.so.1.0:_PyEval_EvalFrameDefault",
           "libpython3.11.so.1.0:PyEval_EvalCode",
           "plpython3.so:PLy_exec_function",
           "plpython3.so:plpython3_call_handler",
           "ExecInterpExpr",
           "PortalRun",
           "PostgresMain",
           "main"}
      )
      .capture([](Capture& c) {
        c.stack.method = CaptureMethod::ptrace_stop;
        c.stack.held_micros = 34.6;
      })
      .latest([](Sample& s) { s.cpu_nanos += 40'000'000; });
}

/// BUG #15290, the hang of reference/seed.md: a parallel worker asleep with a page lock held.
inline Given seed_worker() {
  return Given()
      .terminate_ago(60)
      .die_pending()
      .holdoff(1)
      .activity([](Activity& a) {
        a.backend_type = "parallel worker";
        a.wait_event_type = "IPC";
        a.wait_event = "BtreePage";
        a.leader_pid = 4700;
        a.user = "app";
        a.database = "shop";
        a.query_age = std::chrono::minutes(12);
        a.query = "SELECT count(*) FROM t WHERE a = ANY (?)";
      })
      .in_call(call_on("epoll_wait", descriptor(270, FdKind::eventpoll, "anon_inode:[eventpoll]")))
      .stack(
          {"libc.so.6:epoll_wait",
           "WaitEventSetWait",
           "ConditionVariableSleep",
           "_bt_parallel_seize",
           "",
           "",
           "_bt_first",
           "btgettuple",
           "index_getnext_tid",
           "ParallelWorkerMain",
           "StartBackgroundWorker",
           "main"}
      )
      .capture([](Capture& c) {
        c.wchan = "ep_poll";
        c.stack.frames[1].recovered = true;
      });
}

/// Its leader: the transaction is being aborted, and that waits for the workers.
inline Given seed_leader() {
  return Given()
      .terminate_ago(60)
      .die_pending()
      .holdoff(3)
      .activity([](Activity& a) {
        a.wait_event_type = "IPC";
        a.wait_event = "BgWorkerShutdown";
      })
      .in_call(call_on("epoll_wait", descriptor(12, FdKind::eventpoll, "anon_inode:[eventpoll]")))
      .stack(
          {"libc.so.6:epoll_wait",
           "WaitEventSetWait",
           "WaitLatch",
           "WaitForBackgroundWorkerShutdown",
           "",
           "DestroyParallelContext",
           "AtEOXact_Parallel",
           "",
           "AbortCurrentTransaction",
           "PostgresMain"}
      );
}

/// What an idle backend of PostgreSQL 15 waits for: its latch, its postmaster's death, its client.
inline Syscall wait_for_client() {
  Syscall call = call_on("epoll_wait", descriptor(4, FdKind::eventpoll, "anon_inode:[eventpoll]"));
  call.at_least_seconds = 8040;
  call.at_least_source = kFromCounters;
  FdTarget latch = descriptor(5, FdKind::signalfd, "anon_inode:[signalfd]");
  latch.events = "EPOLLIN";
  latch.detail = "SIGURG";
  FdTarget death = descriptor(6, FdKind::pipe, "pipe:[1233]");
  death.events = "EPOLLIN";
  death.detail = "read end";
  death.peers = {{4000, "postgres", ProcessState::sleeping, ""}};
  FdTarget client = descriptor(9, FdKind::socket, "socket:[1234]");
  client.events = "EPOLLIN|EPOLLRDHUP";
  client.protocol = "tcp";
  client.local = "127.0.0.1:5432";
  client.remote = "127.0.0.1:51234";
  client.state = "ESTABLISHED";
  client.queues = SocketQueues{0, 2500};
  client.peers = {{811, "psql", ProcessState::stopped, "127.0.0.1:51234"}};
  call.members = {latch, death, client};
  return call;
}

/// A write to a tablespace on a file system that `fsfreeze -f` froze.
inline Given frozen_file_system() {
  FdTarget fd = descriptor(31, FdKind::file, "/mnt/ts/PG_15/5/16390");
  fd.mount = "/mnt/ts";
  fd.fs_type = "ext4";
  fd.device = "/dev/loop0";
  fd.block_device = "/dev/loop0";
  fd.backing = "/srv/tablespace.img";
  return Given()
      .state(ProcessState::uninterruptible)
      .terminate_ago(45)
      .pending(SIGTERM)
      .in_call(call_on("pwrite64", std::move(fd)))
      .stack({"libc.so.6:__pwrite64", "FileWrite", "mdwrite", "FlushBuffer", "PostgresMain"})
      .capture([](Capture& c) {
        c.wchan = "percpu_rwsem_wait";
        c.kernel_stack = {
            "percpu_rwsem_wait+0x12c/0x160",
            "__percpu_down_read+0x5c/0x90",
            "vfs_write+0x3a1/0x400"};
      });
}

}  // namespace pghang::tests
