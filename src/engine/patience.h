/* How the engine's own functions notice that the call they work for is to end. The engine looks at the clock and at
 * interrupts between its operations, and a function is one operation, however long it takes. Included by the copy of
 * the engine that cmake/InterruptibleEngine.cmake makes, where its private declarations are known. */
#pragma once

/* A bit of Vdbe.prepFlags beside SQLite's own: the statement starts with an interrupt that has come already. */
#define LIBSQL_PREPARE_KEEPS_INTERRUPT 0x40

/* What one function has done since it looked last. */
typedef struct LibsqlPatience {
  sqlite3* db;
  unsigned work; /* in bytes looked at, about */
  int ended;     /* the call is to end */
} LibsqlPatience;

/* Some milliseconds of work. */
#define LIBSQL_WORK_UNLOOKED (1u << 22)
/* What one more place that a pattern might begin at may cost: between nothing and its whole length. */
#define LIBSQL_WORK_OF_PLACE 1024u
/* From here on a value is worth the question. */
#define LIBSQL_LARGE_VALUE 100000

/* Whether what runs on the connection is to end: an interrupt, or what the progress handler says, which knows
 * deadlines. */
static int libsqlMustEnd(sqlite3* db) {
  return AtomicLoad(&db->u1.isInterrupted) || (db->xProgress != 0 && db->xProgress(db->pProgressArg) != 0);
}

static int libsqlSpend(LibsqlPatience* patience, unsigned work) {
  patience->work += work;
  if (patience->work < LIBSQL_WORK_UNLOOKED) return patience->ended;
  patience->work = 0;
  if (!patience->ended) patience->ended = libsqlMustEnd(patience->db);
  return patience->ended;
}

/* memcmp(), and "different" when the call is to end. */
static int libsqlCompare(LibsqlPatience* patience, const void* a, const void* b, int size) {
  return libsqlSpend(patience, (unsigned)size) || memcmp(a, b, (size_t)size) != 0;
}

/* Calls the function. Its result becomes an error if it may have taken so long, for its first argument or its result, that it is
 * time to look, and the call is to end. */
static __attribute__((noinline)) void libsqlCall(sqlite3_context* context) {
  context->pFunc->xSFunc(context, context->argc, context->argv);
  if (context->pOut->n <= LIBSQL_LARGE_VALUE && (context->argc == 0 || context->argv[0]->n <= LIBSQL_LARGE_VALUE)) return;
  if (context->isError > 0 || !libsqlMustEnd(context->pOut->db)) return;
  sqlite3VdbeMemSetNull(context->pOut); /* else what it holds would be the message */
  sqlite3_result_error_code(context, SQLITE_INTERRUPT);
}

#define LIBSQL_ENDED 2 /* beside the values of isInterrupted that SQLite has; not for long, as it is for one statement alone */

/* Before a large value is made: whether the call is to end. */
static __attribute__((noinline, cold)) int libsqlEndsBefore(sqlite3* db) {
  if (!libsqlMustEnd(db)) return 0;
  if (!AtomicLoad(&db->u1.isInterrupted)) AtomicStore(&db->u1.isInterrupted, LIBSQL_ENDED);
  return 1;
}

/* Whether that was the reason for which the value was given up. */
static __attribute__((noinline, cold)) int libsqlWasEnded(sqlite3* db) {
  const int why = AtomicLoad(&db->u1.isInterrupted);
  if (why == LIBSQL_ENDED) AtomicStore(&db->u1.isInterrupted, 0);
  return why != 0;
}
