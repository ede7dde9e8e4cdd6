// The process's single background thread, for work that nobody should wait for.
#pragma once

#include <functional>

namespace libsql::local::background {

/// Runs the job on that thread, after those posted earlier. False, and nothing is run, if no thread can be started or
/// the process is ending. Exceptions of jobs are dropped. At the end of the process only the running job is waited for.
/// Threads: any.
bool post(std::function<void()> job) noexcept;

/// Calls `look` once a second until it returns false. Threads: any. Returns as post() does.
bool look_each_second(std::function<bool()> look) noexcept;

/// Returns when everything posted earlier has been done, and each `look` has been called once more.
void drain();

}  // namespace libsql::local::background
