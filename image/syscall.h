/*
 * What differs between architectures: the numbers of the system calls, how one is made, and how a process begins.
 *
 * syscall4() returns what the kernel returns: a result, or a negative errno.
 * _start is where the kernel jumps to. It hands the initial stack pointer, where argc and argv are, to begin(), first
 * making room below it where the calling convention lets begin() write into its caller's frame.
 */

#ifndef PAUSE_SYSCALL_H
#define PAUSE_SYSCALL_H

#define START(instructions)                                                                                            \
  __asm__(".section .text.start,\"ax\",%progbits\n"                                                                    \
          ".globl _start\n"                                                                                            \
          ".type _start,%function\n"                                                                                   \
          "_start:\n" instructions "\n.text\n")

#if defined(__x86_64__)

enum { SYS_write = 1, SYS_rt_sigprocmask = 14, SYS_getpid = 39, SYS_wait4 = 61 };
enum { SYS_rt_sigtimedwait = 128, SYS_exit_group = 231 };

START("mov %rsp, %rdi\n"
      "call begin");

static long syscall4(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

enum { SYS_write = 64, SYS_exit_group = 94, SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137 };
enum { SYS_getpid = 172, SYS_wait4 = 260 };

START("mov x0, sp\n"
      "b begin");

static long syscall4(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

enum { SYS_write = 64, SYS_exit_group = 94, SYS_rt_sigprocmask = 135, SYS_rt_sigtimedwait = 137 };
enum { SYS_getpid = 172, SYS_wait4 = 260 };

START("mv a0, sp\n"
      "tail begin");

static long syscall4(long number, long a, long b, long c, long d) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
  return a0;
}

#elif defined(__arm__) && defined(__ARM_EABI__) && !defined(__ARMEB__)

enum { SYS_write = 4, SYS_getpid = 20, SYS_wait4 = 114, SYS_rt_sigprocmask = 175 };
enum { SYS_rt_sigtimedwait = 177, SYS_exit_group = 248 };

START("mov r0, sp\n"
      "b begin");

static long syscall4(long number, long a, long b, long c, long d) {
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r3 __asm__("r3") = d;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
  return r0;
}

#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)

enum { SYS_write = 4, SYS_getpid = 20, SYS_wait4 = 114, SYS_rt_sigprocmask = 174 };
enum { SYS_rt_sigtimedwait = 176, SYS_exit_group = 234 };

/* Entered through r12, from which begin() finds the table of addresses (the TOC) by itself. */
START("mr 3, 1\n"
      "addi 1, 1, -128\n"
      "lis 12, begin@ha\n"
      "addi 12, 12, begin@l\n"
      "mtctr 12\n"
      "bctr");

/* An error is flagged in a condition bit, with the errno positive. */
static long syscall4(long number, long a, long b, long c, long d) {
  register long r0 __asm__("r0") = number;
  register long r3 __asm__("r3") = a;
  register long r4 __asm__("r4") = b;
  register long r5 __asm__("r5") = c;
  register long r6 __asm__("r6") = d;
  __asm__ volatile("sc\n"
                   "bns+ 1f\n"
                   "neg 3, 3\n"
                   "1:"
                   : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6)
                   :
                   : "cr0", "ctr", "xer", "r7", "r8", "r9", "r10", "r11", "r12", "memory");
  return r3;
}

#elif defined(__s390x__)

enum { SYS_write = 4, SYS_getpid = 20, SYS_wait4 = 114, SYS_rt_sigprocmask = 175 };
enum { SYS_rt_sigtimedwait = 177, SYS_exit_group = 248 };

START("lgr %r2, %r15\n"
      "aghi %r15, -160\n"
      "jg begin");

static long syscall4(long number, long a, long b, long c, long d) {
  register long r1 __asm__("r1") = number;
  register long r2 __asm__("r2") = a;
  register long r3 __asm__("r3") = b;
  register long r4 __asm__("r4") = c;
  register long r5 __asm__("r5") = d;
  __asm__ volatile("svc 0" : "+r"(r2) : "r"(r1), "r"(r3), "r"(r4), "r"(r5) : "memory");
  return r2;
}

#else
#error "unknown architecture: add its system calls to syscall.h and its target to build.sh"
#endif

#endif
