#include "net/thread_turns.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace libsql::net {
namespace {

// A tenth of what others get is enough to be served at once if there is something left; less would starve a large
// answer beside other programs.
constexpr int kLower = 10;  // of nice(2)

// As sched_setattr(2) takes it; the header that has it clashes with the C library's.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // of SCHED_OTHER: the length of a turn in ns
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

constexpr std::uint64_t kNotForThreadsMadeHere = 1;  // SCHED_FLAG_RESET_ON_FORK

int own_thread() noexcept { return static_cast<int>(::syscall(SYS_gettid)); }

}  // namespace

void ask_for_short_turns() noexcept {
  constexpr std::uint64_t kTurn = 200'000;  // ns
  SchedulingAttributes attributes;
  attributes.nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(own_thread()));
  attributes.runtime = kTurn;
  attributes.flags = kNotForThreadsMadeHere;
  static_cast<void>(::syscall(SYS_sched_setattr, 0, &attributes, 0));
}

void stand_back(int thread) noexcept { ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), kLower); }

void stand_back() noexcept { stand_back(own_thread()); }

}  // namespace libsql::net
