#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "engine/large_blocks.hpp"
#include "server/base/descriptors.hpp"
#include "server/serve/last_exit.hpp"
#include "server/serve/notify.hpp"
#include "server/serve/service.hpp"
#include "server/serve/signals.hpp"

namespace libsql::server {
namespace {

constexpr std::chrono::milliseconds kTick{250};
// Allowed beyond --shutdown-timeout, for rolling back what was cut off and writing databases' logs into their files.
constexpr std::chrono::milliseconds kLastPatience{5'000};

// Writes the process's number to a file, which the destructor removes.
class PidFile {
 public:
  explicit PidFile(std::filesystem::path path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::ofstream out(path_);
    out << ::getpid() << '\n';
    if (!out.flush()) throw ConfigError("the pid file \"" + path_.string() + "\" cannot be written");
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile() { remove(); }
  void remove() const noexcept {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }

 private:
  std::filesystem::path path_;
};

// Files that the process creates (databases, their logs and indexes, backups, log files) are closed to other users of
// the machine, and stay closed to the group if the umask says so.
void keep_others_out() noexcept {
  constexpr mode_t kOthers = 0007, kGroupWrites = 0020;
  ::umask(::umask(kOthers | kGroupWrites) | kOthers | kGroupWrites);
}

// Gives large blocks pages of their own, which are returned at once. Otherwise the C library would soon take even large
// blocks from its heap, which stays as big as it was at its peak.
void keep_large_memory_apart() noexcept {
#ifdef M_MMAP_THRESHOLD
  ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
#endif
}

void serve_until_told(Service& service, Signals& signals) {
  while (!service.is_idle()) {
    switch (signals.wait(kTick)) {
      case Signals::Event::Stop:
        return;
      case Signals::Event::Reload:
        service.reload();
        break;
      case Signals::Event::None:
        service.tick();
        break;
    }
  }
}

}  // namespace

int run_service(Config config) {
  const std::size_t memory = config.options.limits.statement_memory;
  engine::bound_large_blocks(memory, memory / 2);
  keep_others_out();
  raise_descriptor_limit();
  keep_large_memory_apart();
  Signals signals;
  const PidFile pid_file(config.pid_file);
  const std::chrono::milliseconds patience = config.shutdown_timeout + kLastPatience;
  std::atomic<bool> whole = true;
  std::optional<LastExit> last_exit;  // must be destroyed after the service
  Service service(std::move(config));
  service.start();
  std::printf("libsql: ready %s\n", service.addresses().c_str());
  std::fflush(stdout);
  notify_service_manager("READY=1");
  serve_until_told(service, signals);
  notify_service_manager("STOPPING=1");
  signals.let_second_stop_kill();
  last_exit.emplace(patience, [&] {
    pid_file.remove();
    if (whole) {
      service.say_last_words();
    } else {
      std::fputs("libsql: the server does not stop; exiting without it\n", stderr);
    }
  });
  const bool clean = service.stop();
  whole = false;
  return clean ? 0 : 1;
}

}  // namespace libsql::server
