// A directory for one test, gone when the test ends.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace libsql::test {

class TempDir {
 public:
  TempDir() {
    static std::atomic<int> next{1};
#ifdef _WIN32
    const int process = ::_getpid();
#else
    const int process = ::getpid();
#endif
    path_ = std::filesystem::temp_directory_path() /
            ("libsql-test-" + std::to_string(process) + "-" + std::to_string(next.fetch_add(1)));
    std::filesystem::create_directories(path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  /// The path of an entry, UTF-8.
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace libsql::test
