/* How the engine's values lie in memory. A row is read by looking at them, and arguments are bound by writing them: calling
 * the engine for the type, the value and the size of each cell costs more than all the rest of a row. C, because
 * amalgamation.c includes it too, where the engine's own declarations are at hand to compare with. */
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

struct sqlite3_stmt;

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
  uint8_t subtype;
  void* connection;
  int32_t allocated; /* bytes that it owns; and it may own others, see kLibsqlValueOwner */
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
  kLibsqlValueZeroes = 0x400,     /* a blob that goes on with zeros that are not in memory */
  kLibsqlValueStatic = 0x2000,    /* bytes that stay as they are while the engine looks at them */
  kLibsqlValueOwner = 0x9000      /* something has to be freed when it gets another value */
};

/* Bytes from one value of a row to the next; 0 if this engine lays its values out in another way, so that they must be
 * asked for. */
extern const size_t libsql_engine_value_size;

/* Where in a statement, in bytes, it points to the first value of the row that its last step came to, and to null if that
 * came to none. */
extern const size_t libsql_engine_row_place;

/* The arguments of a statement, for their values to be written: as many as `count`, none of them longer than `longest`
 * bytes, text in UTF-8. Null if the engine must be called for each: the statement runs, has another number of arguments or
 * another encoding, is compiled anew for other arguments, or the connection has a mutex. */
void* libsql_engine_arguments(struct sqlite3_stmt* stmt, int count, int32_t* longest);

#ifdef __cplusplus
}
#endif
