/* A program of a simulated host: runs the script of its own name in the folder `as` beside it. The node script asks no script for its
   version, since it may start something. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char own[PATH_MAX], script[PATH_MAX + 4], *words[64];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length < 0 || argc > 60) return 126;
  own[length] = 0;
  char *name = strrchr(own, '/');
  snprintf(script, sizeof script, "%.*s/as%s", (int)(name - own), own, name);
  words[0] = "sh";
  words[1] = script;
  for (int i = 1; i <= argc; i++) words[i + 1] = argv[i];
  execv("/bin/sh", words);
  return 127;
}
