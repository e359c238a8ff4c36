/*
 * What the tests of pause need from the kernel and cannot ask of a shell: helper COMMAND ARGUMENT…
 *
 *   orphans N           leave N orphans to PID 1 of this PID namespace, and end when the last has been left
 *   deny NR PROGRAM…    run PROGRAM with system call NR failing (EPERM)
 *   ignore NR PROGRAM…  run PROGRAM with signal NR ignored
 *   default NR PROGRAM… run PROGRAM with signal NR as it is by default, whoever ignored it before
 *   widowed PROGRAM…    run PROGRAM with a child that is dead already
 *   crowded N PROGRAM…  run PROGRAM as user 65535 with real-time signals blocked and a signal queue of N places
 *   fill PID            queue real-time signals for PID until its queue is full; print how many
 *   steps NR PROGRAM…   run PROGRAM up to its first system call NR, then kill it; print the instructions it took (amd64)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *what) {
  perror(what);
  exit(1);
}

static void check(int failed, const char *what) {
  if (failed)
    die(what);
}

/* Forks a parent that forks a child and dies. The child dies before or after it, as it happens: both ways count. */
static void leave_orphan(void) {
  pid_t parent = fork();
  check(parent < 0, "fork");
  if (parent == 0) {
    pid_t orphan = fork();
    check(orphan < 0, "fork");
    _exit(0);
  }
  check(waitpid(parent, NULL, 0) != parent, "waitpid");
}

static _Noreturn void run(char **argv) {
  execv(argv[0], argv);
  die(argv[0]);
}

static void deny(unsigned nr) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0, "no_new_privs");
  check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0, "seccomp");
}

/* Looks at the dead child without reaping it, so as not to run on before it is dead. */
static void have_zombie(void) {
  siginfo_t info;
  pid_t child = fork();
  check(child < 0, "fork");
  if (child == 0)
    _exit(0);
  check(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0, "waitid");
}

static void crowd(rlim_t places) {
  sigset_t realtime;
  sigemptyset(&realtime);
  for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
    sigaddset(&realtime, signo);
  check(sigprocmask(SIG_BLOCK, &realtime, NULL) < 0, "sigprocmask");
  check(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){places, places}) < 0, "setrlimit");
  check(setgroups(0, NULL) < 0 || setgid(65535) < 0 || setuid(65535) < 0, "setuid");
}

static void fill(pid_t pid) {
  long queued = 0;
  while (sigqueue(pid, SIGRTMIN, (union sigval){0}) == 0)
    queued++;
  check(errno != EAGAIN, "sigqueue");
  printf("%ld\n", queued);
}

#if defined(__x86_64__)
static void steps(unsigned long long nr, char **argv) {
  const long syscall_opcode = 0x050f;
  long taken = 0;
  pid_t pid = fork();
  check(pid < 0, "fork");
  if (pid == 0) {
    check(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0, "ptrace");
    run(argv);
  }
  for (int status;; taken++) {
    struct user_regs_struct regs;
    check(waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status), "the program ended before that system call");
    check(ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0, "ptrace");
    if (regs.rax == nr && (ptrace(PTRACE_PEEKTEXT, pid, regs.rip, 0) & 0xffff) == syscall_opcode)
      break;
    check(ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0, "ptrace");
  }
  kill(pid, SIGKILL);
  printf("%ld\n", taken);
}
#else
static void steps(unsigned long long nr, char **argv) {
  (void)nr, (void)argv;
  fprintf(stderr, "steps: amd64 only\n");
  exit(1);
}
#endif

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  long number = argc > 2 ? atol(argv[2]) : 0;

  if (!strcmp(command, "orphans")) {
    while (number-- > 0)
      leave_orphan();
  } else if (!strcmp(command, "deny") && argc > 3) {
    deny((unsigned)number);
    run(argv + 3);
  } else if (!strcmp(command, "ignore") && argc > 3) {
    check(signal((int)number, SIG_IGN) == SIG_ERR, "signal");
    run(argv + 3);
  } else if (!strcmp(command, "default") && argc > 3) {
    /* By system call: the C library keeps its own signals, 32 and 33, from its callers. */
    long action[4] = {0};
    check(syscall(SYS_rt_sigaction, number, action, NULL, sizeof(long)) < 0, "rt_sigaction");
    run(argv + 3);
  } else if (!strcmp(command, "widowed") && argc > 2) {
    have_zombie();
    run(argv + 2);
  } else if (!strcmp(command, "crowded") && argc > 3) {
    crowd((rlim_t)number);
    run(argv + 3);
  } else if (!strcmp(command, "fill")) {
    fill((pid_t)number);
  } else if (!strcmp(command, "steps") && argc > 3) {
    steps((unsigned long long)number, argv + 3);
  } else {
    fprintf(stderr, "helper: unknown command \"%s\"\n", command);
    return 2;
  }
  return 0;
}
