/* What the engine tells of a write-ahead log that is watched, in C. */
#pragma once

#ifdef __cplusplus
#include <cstdint>
extern "C" {
#else
#include <stdint.h>
#endif

struct sqlite3_file;

enum {
  kLibsqlLogIsWatched, /* whether somebody copies it; only `name` is set */
  kLibsqlLogRestarts   /* it is about to begin anew, unless it is told not to, or has no frames and begins in any case */
};

/* Salts are the numbers in the file's header, which is big-endian. */
typedef struct LibsqlWatchedLog {
  const char* name;
  struct sqlite3_file* file;
  uint32_t page_size;
  uint32_t frame; /* the last one that is committed */
  uint32_t database_pages;
  uint32_t salt[2];
  uint32_t checksum[2];
  uint32_t next_salt[2]; /* with kLibsqlLogRestarts */
} LibsqlWatchedLog;

typedef int (*LibsqlLogWatcher)(int event, const LibsqlWatchedLog* log);

/* Null: nobody watches any log. */
extern LibsqlLogWatcher libsql_engine_log_watcher;
/* Whether the engine asks. */
extern const int libsql_engine_asks_log_watcher;
/* From now on the engine asks there, from all threads. */
void libsql_engine_watch_logs(LibsqlLogWatcher watcher);

#ifdef __cplusplus
}
#endif
