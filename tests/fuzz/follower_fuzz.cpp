// A replica and a primary that says anything in any order: nothing but errors comes of it, and an honest primary is
// followed afterwards.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "support/hostile_primary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  libsql::test::survive({data, std::min<std::size_t>(size, 400)});
  return 0;
}
