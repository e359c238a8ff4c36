/* A stand-in for the kubelet: answers --version, refuses what the real one refuses, listens on its health port. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char flag[] = "--pod-infra-container-image";

int main(int argc, char **argv) {
  char version[64] = "1.34.2";
  FILE *file = fopen("/etc/kubelet-version", "r");
  if (file) {
    if (!fgets(version, sizeof version, file)) return 1;
    fclose(file);
    version[strcspn(version, "\r\n")] = 0;
  }
  const char *number = version[0] == 'v' ? version + 1 : version;
  int minor = atoi(strchr(number, '.') ? strchr(number, '.') + 1 : "0");
  int port = 10248;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--version")) return printf("Kubernetes v%s\n", number) < 0;
    if (argv[i][0] == 0 || (minor >= 35 && !strncmp(argv[i], flag, sizeof flag - 1))) {
      fprintf(stderr, "failed to parse kubelet flag: '%s'\n", argv[i]);
      return 1;
    }
    if (!strncmp(argv[i], "--healthz-port=", 15)) port = atoi(argv[i] + 15);
  }
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) return 1;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) return 1;
  for (;;) close(accept(listener, 0, 0));
}
