/* The engine as its authors wrote it, and behind it, where its private declarations are known, what tells the layout of its
 * values. */
#include "sqlite3.c"

#include "engine/value_layout.h"

/* An engine of another layout still works: its values are asked for one by one. The members' names have been the same since
 * 3.8; that of the row has changed, and before this version it is not looked for. */
#if SQLITE_VERSION_NUMBER >= 3053000
#define LIBSQL_SAME_PLACE(theirs, ours) \
  (offsetof(struct sqlite3_value, theirs) == offsetof(struct LibsqlEngineValue, ours) && \
   sizeof(((struct sqlite3_value*)0)->theirs) == sizeof(((struct LibsqlEngineValue*)0)->ours))

const size_t libsql_engine_value_size =
    LIBSQL_SAME_PLACE(u.i, number.integer) && LIBSQL_SAME_PLACE(u.r, number.real) && LIBSQL_SAME_PLACE(z, bytes) &&
            LIBSQL_SAME_PLACE(n, size) && LIBSQL_SAME_PLACE(flags, flags) && LIBSQL_SAME_PLACE(enc, encoding) &&
            MEM_Null == kLibsqlValueNull && MEM_Str == kLibsqlValueText && MEM_Int == kLibsqlValueInteger &&
            MEM_Real == kLibsqlValueReal && MEM_Blob == kLibsqlValueBlob && MEM_AffMask == kLibsqlValueKinds &&
            MEM_Term == kLibsqlValueTerminated && MEM_Zero == kLibsqlValueZeroes && SQLITE_UTF8 == 1
        ? sizeof(struct sqlite3_value)
        : 0;

const size_t libsql_engine_row_place = offsetof(struct Vdbe, pResultRow);
#else
const size_t libsql_engine_value_size = 0;
const size_t libsql_engine_row_place = 0;
#endif
