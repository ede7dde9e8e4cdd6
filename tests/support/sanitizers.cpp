// How the sanitizers report in every test program: at the first finding and with the engine's benign races left out.
// Linked only into sanitizer builds; the run-time parts look these functions up by name.

extern "C" {

const char* __asan_default_options();
const char* __asan_default_options() { return "detect_stack_use_after_return=1:strict_string_checks=1"; }

const char* __ubsan_default_options();
const char* __ubsan_default_options() { return "print_stacktrace=1:halt_on_error=1"; }

const char* __tsan_default_options();
const char* __tsan_default_options() { return "halt_on_error=1:second_deadlock_stack=1"; }

// SQLite reads and writes the header of the WAL index without a lock by design and detects a torn read by its checksum.
// Its source marks these functions for Clang only (SQLITE_NO_TSAN). A checkpoint reads one word of that header, the
// number of frames, in the same way: a number that is too old only leaves the file as long as it was. A reader compares
// the header with its copy once more after it has its lock (walTryBeginRead), and starts again if they differ. Who
// begins the log anew has all places of readers locked while it writes their marks (walRestartHdr); a reader that looks
// for a place meanwhile locks it and looks again.
const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() {
  return "race:walIndexTryHdr\nrace:walIndexWriteHdr\nrace:walCheckpoint\nrace:walTryBeginRead\nrace:walRestartHdr\n";
}

}  // extern "C"
