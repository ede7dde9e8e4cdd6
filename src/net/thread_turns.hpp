// How the system shares the processors between this process's threads. What it refuses is left as it was.
#pragma once

namespace libsql::net {

/// The calling thread is run soon after it wakes, however many others want to run, as long as it runs for short times
/// only (Linux 6.12 and later: https://docs.kernel.org/scheduler/sched-eevdf.html; older ones do so by themselves). Not
/// so the threads that it makes.
void ask_for_short_turns() noexcept;

/// Lets the thread with that number (of gettid()) stand back behind the others, for good.
void stand_back(int thread) noexcept;
/// The same for the calling thread.
void stand_back() noexcept;

}  // namespace libsql::net
