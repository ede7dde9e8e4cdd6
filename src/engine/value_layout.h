/* How the engine's values lie in memory. A row is read by looking at them: calling the engine for the type, the value and
 * the size of each cell costs more than all the rest of a row. C, because amalgamation.c includes it too, where the engine's
 * own declarations are at hand to compare with. */
#pragma once

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The beginning of sqlite3_value. The attribute: to the compiler it is another type than the one the engine writes. */
struct __attribute__((may_alias)) LibsqlEngineValue {
  union {
    int64_t integer;
    double real;
  } number;
  const char* bytes;
  int32_t size;
  uint16_t flags;
  uint8_t encoding; /* of text: 1 is UTF-8 */
};

/* Flags: one or more of the first six say what the value is. */
enum {
  kLibsqlValueNull = 0x01,
  kLibsqlValueText = 0x02,
  kLibsqlValueInteger = 0x04,
  kLibsqlValueReal = 0x08,
  kLibsqlValueBlob = 0x10,
  kLibsqlValueKinds = 0x3f,
  kLibsqlValueTerminated = 0x200, /* text with a NUL behind it */
  kLibsqlValueZeroes = 0x400      /* a blob that goes on with zeros that are not in memory */
};

/* Bytes from one value of a row to the next; 0 if this engine lays its values out in another way, so that they must be
 * asked for. */
extern const size_t libsql_engine_value_size;

/* Where in a statement, in bytes, it points to the first value of the row that its last step came to, and to null if that
 * came to none. */
extern const size_t libsql_engine_row_place;

#ifdef __cplusplus
}
#endif
