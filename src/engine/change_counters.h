/* What the engine's interface lets one read and not write. C, because amalgamation.c includes it too, where it is done. */
#pragma once

#ifdef __cplusplus
#include <cstdint>
extern "C" {
#else
#include <stdint.h>
#endif

struct sqlite3;

/* What changes() and total_changes() say from now on. */
void libsql_engine_set_changes(struct sqlite3* db, int64_t changes, int64_t total);

#ifdef __cplusplus
}
#endif
