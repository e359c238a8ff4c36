/*
 * pause: the first process of a Pod.
 *
 * A Pod's containers share their network and IPC namespaces, and the process namespace too when asked. A namespace
 * lives as long as a process is in it, so one process must be there first, stay, and do nothing. This is it. Because
 * it is PID 1, it has a second duty: the kernel gives it every process whose parent has died, and somebody must
 * collect ("reap") their exit statuses, or they stay in the process table as zombies until it is full.
 *
 * Messages and options are those of the pause that ships with Kubernetes, so that either can replace the other. So are
 * the exit codes, but for 2 and 3: upstream has one code for each of its three signal handlers, and there are none here.
 * There is no C library here: six system calls are all that is needed (syscall.h), and each page that is never mapped
 * is saved once per Pod.
 *
 * Signals are not handled, they are blocked and asked for: rt_sigtimedwait() sleeps until one is pending. So no code
 * ever runs at an unforeseen moment, and none can be lost between looking for the dead and going to sleep.
 *
 * Exit codes: 0 after INT, TERM or -v; 1 when the signals cannot be blocked; 42 when they cannot be waited for.
 */

#include "syscall.h"

#ifndef VERSION
#define VERSION "1.0.0"
#endif

enum { STDOUT = 1, STDERR = 2 };
enum { SIGINT = 2, SIGTERM = 15, SIGCHLD = 17 };
enum { EINTR = 4, EAGAIN = 11 };
enum { SIG_BLOCK = 0, WNOHANG = 1 };

/* The kernel's sigset_t, 64 signals, signal n at bit n - 1; the same on every architecture of syscall.h. */
typedef unsigned long long signal_set;
#define BIT(signo) (1ULL << ((signo)-1))

/* The others keep their default action. The kernel spares PID 1 from those, and elsewhere they end us as they should. */
static const signal_set awaited = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

/* One write(2) a message, so that it cannot mix with other writers' lines. A failure leaves nobody to tell. */
static void say(int fd, const char *message, long size) {
  syscall4(SYS_write, fd, (long)message, size, 0);
}

static _Noreturn void quit(int code, int fd, const char *message, long size) {
  say(fd, message, size);
  for (;;)
    syscall4(SYS_exit_group, code, 0, 0, 0);
}

/* A string literal as the pair that write(2) wants: no strlen() here. */
#define TEXT(literal) literal, sizeof(literal) - 1

/* True for exactly "-v" and "-V". */
static int is_version_option(const char *arg) {
  return arg[0] == '-' && (arg[1] == 'v' || arg[1] == 'V') && arg[2] == '\0';
}

/* Collects one dead child, if there is any. */
static int reap(void) {
  return syscall4(SYS_wait4, -1, 0, WNOHANG, 0) > 0;
}

/* Returns the next awaited signal, or a negative errno; with `poll` it does not sleep for it. */
static long next_signal(int poll) {
  static const long now[2] = {0, 0}; /* a timespec: seconds, nanoseconds */
  return syscall4(SYS_rt_sigtimedwait, (long)&awaited, 0, poll ? (long)now : 0, sizeof(awaited));
}

/*
 * Sleeps only after a look that found nobody to reap: whoever dies later leaves SIGCHLD pending, which ends the sleep.
 * One reaping a round, with a look at the signals between two, so that a flood of orphans cannot keep INT or TERM
 * waiting. (Pending signals are given out lowest number first: INT, TERM, then CHLD.)
 */
static _Noreturn void hold(void) {
  for (;;) {
    switch (next_signal(reap())) {
    case SIGINT:
      quit(0, STDERR, TEXT("Shutting down, got signal: Interrupt\n"));
    case SIGTERM:
      quit(0, STDERR, TEXT("Shutting down, got signal: Terminated\n"));
    case SIGCHLD: /* somebody died: the next round reaps */
    case -EAGAIN: /* nothing pending: the next round reaps on, or sleeps */
    case -EINTR:  /* stopped and continued, or traced */
      continue;
    default: /* a seccomp filter forbids the call; to go on would be to burn a CPU */
      quit(42, STDERR, TEXT("Error: infinite loop terminated\n"));
    }
  }
}

/* Called by _start (syscall.h) with the stack as the kernel made it: argc, then argv[]. */
__attribute__((used)) static _Noreturn void begin(const long *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  for (long i = 1; i < stack[0]; i++) {
    if (is_version_option(argv[i]))
      quit(0, STDOUT, TEXT("pause.c " VERSION "\n"));
  }

  /* Not an error: it is of use outside of Pods too. */
  if (syscall4(SYS_getpid, 0, 0, 0, 0) != 1)
    say(STDERR, TEXT("Warning: pause should be the first process\n"));

  if (syscall4(SYS_rt_sigprocmask, SIG_BLOCK, (long)&awaited, 0, sizeof(awaited)) < 0)
    quit(1, STDERR, TEXT(""));

  hold();
}
