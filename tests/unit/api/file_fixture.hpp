// A directory per test that goes away, for tests that need files.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <libsql/libsql.hpp>
#include <string>

namespace libsql {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 ("libsql-" + std::to_string(::getpid()) + "-" + info.test_suite_name() + "-" + info.name());
    std::filesystem::create_directories(directory_);
  }
  ~FileTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string file(const std::string& name = "test.db") const { return (directory_ / name).string(); }

  std::filesystem::path directory_;
};

}  // namespace libsql
