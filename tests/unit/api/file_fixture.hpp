// A directory per test that goes away, for tests that need files.
#pragma once

#include <gtest/gtest.h>
#include <libsql/libsql.hpp>
#include <string>

#include "support/temporary_directory.hpp"

namespace libsql {

class FileTest : public testing::Test {
 protected:
  std::string file(const std::string& name = "test.db") const { return directory_.file(name); }

  test::TemporaryDirectory directory_;
};

}  // namespace libsql
