/* An extension with one function, for the test of --extensions. */
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

static void answer(sqlite3_context* context, int count, sqlite3_value** values) {
  (void)count;
  (void)values;
  sqlite3_result_int(context, 42);
}

__attribute__((visibility("default"))) int sqlite3_extension_init(sqlite3* db, char** error,
                                                                  const sqlite3_api_routines* api) {
  (void)error;
  SQLITE_EXTENSION_INIT2(api);
  return sqlite3_create_function(db, "answer_of_extension", 0, SQLITE_UTF8, 0, answer, 0, 0);
}
