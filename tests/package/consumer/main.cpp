#include <iostream>
#include <libsql/version.hpp>

int main() {
  std::cout << libsql::version() << ' ' << libsql::sqlite_version() << '\n';
  return libsql::sqlite_version().empty() ? 1 : 0;
}
