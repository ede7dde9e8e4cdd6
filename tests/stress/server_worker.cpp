// A server for tests that kill it: prints its port, serves until its input ends.
//   server_worker DATA_DIRECTORY
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>

#include "server/server.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    libsql::server::Options options;
    options.data_directory = argv[1];
    options.http.port = 0;
    libsql::server::Server server(options);
    server.start();
    const std::uint16_t port = server.port();
    if (::write(STDOUT_FILENO, &port, sizeof port) != sizeof port) return 1;
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    server.stop(std::chrono::seconds(5));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
