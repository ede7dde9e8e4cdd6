// The process's one thread for what nobody shall wait for.
#pragma once

#include <functional>

namespace libsql::local::background {

/// Runs the job on that thread, after those posted before. False, and nothing is run, if there is no thread and none
/// can be made, or the process is ending. What a job throws is dropped; at the process's end it is the job under way
/// that is waited for, and no other. Threads: any.
bool post(std::function<void()> job) noexcept;

/// Asks `look` once a second, until it returns false. Threads: any. Returns as post() does.
bool look_each_second(std::function<bool()> look) noexcept;

/// Returns when all that was posted before has been done, and everything was looked at once more.
void drain();

}  // namespace libsql::local::background
