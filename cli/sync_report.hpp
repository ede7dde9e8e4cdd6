// What a sync did, in words.
#pragma once

#include <string>

#include <libsql/replica.hpp>

namespace libsql::cli {

/// "frame 42, 12 frames in 51.2 kB", or "nothing new, frame 42".
std::string in_words(const SyncReport& report);

}  // namespace libsql::cli
