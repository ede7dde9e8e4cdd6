/* Lets the engine's built-in functions notice that the call in progress must end. The engine checks deadlines and
 * interrupts between operations, and a function is one operation, however long it takes. Included by the copy of the
 * engine that cmake/InterruptibleEngine.cmake makes, where the engine's private declarations are known. */
#pragma once

/* A bit of Vdbe.prepFlags that SQLite does not use: an interrupt that came before the statement started still applies. */
#define LIBSQL_PREPARE_KEEPS_INTERRUPT 0x40

/* What one function has done since its last check. */
typedef struct LibsqlPatience {
  sqlite3* db;
  unsigned work; /* roughly, in bytes read */
  int ended;     /* the call must end */
} LibsqlPatience;

/* A few milliseconds of work. */
#define LIBSQL_WORK_UNLOOKED (1u << 22)
/* The assumed cost of trying a pattern at one more position, which really lies between nothing and the text's length. */
#define LIBSQL_WORK_OF_PLACE 1024u
/* Work on values larger than this is worth a check. */
#define LIBSQL_LARGE_VALUE 100000

/* Whether what runs on the connection must end, because of an interrupt or, as the progress handler knows, a
 * deadline. */
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

/* As memcmp() != 0, but also true when the call must end. */
static int libsqlCompare(LibsqlPatience* patience, const void* a, const void* b, int size) {
  return libsqlSpend(patience, (unsigned)size) || memcmp(a, b, (size_t)size) != 0;
}

/* Calls the function. If its first argument or its result is so large that it may have taken long, checks whether the call must
 * end, and if so makes the result an error. */
static __attribute__((noinline)) void libsqlCall(sqlite3_context* context) {
  context->pFunc->xSFunc(context, context->argc, context->argv);
  if (context->pOut->n <= LIBSQL_LARGE_VALUE && (context->argc == 0 || context->argv[0]->n <= LIBSQL_LARGE_VALUE)) return;
  if (context->isError > 0 || !libsqlMustEnd(context->pOut->db)) return;
  sqlite3VdbeMemSetNull(context->pOut); /* otherwise its content would become the message */
  sqlite3_result_error_code(context, SQLITE_INTERRUPT);
}

#define LIBSQL_ENDED 2 /* a value of isInterrupted that SQLite does not use; reset soon, as it concerns a single statement */

/* Asked before a large value is made: whether the call must end. */
static __attribute__((noinline, cold)) int libsqlEndsBefore(sqlite3* db) {
  if (!libsqlMustEnd(db)) return 0;
  if (!AtomicLoad(&db->u1.isInterrupted)) AtomicStore(&db->u1.isInterrupted, LIBSQL_ENDED);
  return 1;
}

/* Whether that was the reason why the value was given up. */
static __attribute__((noinline, cold)) int libsqlWasEnded(sqlite3* db) {
  const int why = AtomicLoad(&db->u1.isInterrupted);
  if (why == LIBSQL_ENDED) AtomicStore(&db->u1.isInterrupted, 0);
  return why != 0;
}
