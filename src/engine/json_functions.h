/* json_length(), json_depth() and json_keys(), by the names and rules of MySQL. Included by amalgamation.c behind the engine,
 * whose parser, cache and paths they share. */

/* Where the element is that a call is about. 0 and an error in the context, or neither for what is NULL or not there. */
static int libsqlJsonFind(sqlite3_context* context, int count, sqlite3_value** arguments, JsonParse** parse, u32* at) {
  *at = 0;
  *parse = jsonParseFuncArg(context, arguments[0], 0);
  if (*parse == 0) return 0;
  if (count == 2) {
    const char* path = (const char*)sqlite3_value_text(arguments[1]);
    if (path != 0) *at = jsonLookupStep(*parse, 0, path[0] == '$' ? path + 1 : "@", 0);
    if (path == 0 || JSON_LOOKUP_ISERROR(*at)) {
      if (path != 0 && *at != JSON_LOOKUP_NOTFOUND) jsonBadPathError(context, path, *at);
      jsonParseFree(*parse);
      return 0;
    }
  }
  return 1;
}

static void libsqlJsonLength(sqlite3_context* context, int count, sqlite3_value** arguments) {
  JsonParse* parse;
  u32 at;
  int kind;
  if (!libsqlJsonFind(context, count, arguments, &parse, &at)) return;
  kind = parse->aBlob[at] & 0x0f;
  if (kind == JSONB_ARRAY) sqlite3_result_int64(context, jsonbArrayCount(parse, at));
  if (kind == JSONB_OBJECT) sqlite3_result_int64(context, jsonbArrayCount(parse, at) / 2);
  jsonParseFree(parse);
}

/* Levels of the element at `at`; 0 for what is malformed or too deep. */
static int libsqlJsonLevels(const JsonParse* parse, u32 at, int most) {
  u32 size, header = jsonbPayloadSize(parse, at, &size);
  const int kind = parse->aBlob[at] & 0x0f;
  const u32 end = at + header + size;
  int deepest = 0, label = 0;
  if (header == 0 || most == 0) return 0;
  if (kind != JSONB_ARRAY && kind != JSONB_OBJECT) return 1;
  for (at += header; at < end; at += header + size) {
    header = jsonbPayloadSize(parse, at, &size);
    if (header == 0) return 0;
    label = kind == JSONB_OBJECT && !label;
    if (!label) {
      const int levels = libsqlJsonLevels(parse, at, most - 1);
      if (levels == 0) return 0;
      deepest = MAX(deepest, levels);
    }
  }
  return deepest + 1;
}

static void libsqlJsonDepth(sqlite3_context* context, int count, sqlite3_value** arguments) {
  JsonParse* parse;
  u32 at;
  int levels;
  if (!libsqlJsonFind(context, count, arguments, &parse, &at)) return;
  levels = libsqlJsonLevels(parse, at, JSON_MAX_DEPTH + 1);
  jsonParseFree(parse);
  if (levels == 0) {
    sqlite3_result_error(context, "malformed JSON", -1);
  } else {
    sqlite3_result_int(context, levels);
  }
}

typedef struct LibsqlJsonKey {
  u32 begin, size; /* of the key between its quotes */
  const char* text;
} LibsqlJsonKey;

static int libsqlCompareJsonKeys(const void* a, const void* b) {
  const LibsqlJsonKey* one = (const LibsqlJsonKey*)a;
  const LibsqlJsonKey* other = (const LibsqlJsonKey*)b;
  const int order = memcmp(one->text + one->begin, other->text + other->begin, MIN(one->size, other->size));
  if (order != 0) return order;
  return one->size < other->size ? -1 : one->size > other->size;
}

/* The keys of an object, each once and in order, as a JSON array. */
static void libsqlJsonKeys(sqlite3_context* context, int count, sqlite3_value** arguments) {
  JsonParse* parse;
  JsonString text, result;
  LibsqlJsonKey* keys = 0;
  u32 at, end, header, size, i, found = 0, members;
  if (!libsqlJsonFind(context, count, arguments, &parse, &at)) return;
  if ((parse->aBlob[at] & 0x0f) != JSONB_OBJECT) {
    jsonParseFree(parse);
    return;
  }
  jsonStringInit(&text, context);
  jsonStringInit(&result, context);
  members = jsonbArrayCount(parse, at);
  if (members % 2 != 0) text.eErr |= JSTRING_MALFORMED;
  members /= 2;
  keys = (LibsqlJsonKey*)sqlite3_malloc64((members + 1) * sizeof(LibsqlJsonKey));
  if (keys == 0) jsonStringOom(&text);
  header = jsonbPayloadSize(parse, at, &size);
  end = at + header + size;
  for (at += header; text.eErr == 0 && at < end && found < members; ++found) {
    header = jsonbPayloadSize(parse, at, &size);
    if (header == 0 || (parse->aBlob[at] & 0x0f) < JSONB_TEXT || (parse->aBlob[at] & 0x0f) > JSONB_TEXTRAW) break;
    keys[found].begin = (u32)text.nUsed + 1;
    jsonTranslateBlobToText(parse, at, &text);
    keys[found].size = (u32)text.nUsed - keys[found].begin - 1;
    at += header + size;
    header = jsonbPayloadSize(parse, at, &size);
    if (header == 0) break;
    at += header + size;
  }
  if (text.eErr == 0 && found < members) text.eErr |= JSTRING_MALFORMED;
  if (text.eErr == 0) {
    for (i = 0; i < found; ++i) keys[i].text = text.zBuf;
    qsort(keys, found, sizeof(LibsqlJsonKey), libsqlCompareJsonKeys);
    jsonAppendChar(&result, '[');
    for (i = 0; i < found; ++i) {
      if (i > 0 && libsqlCompareJsonKeys(&keys[i - 1], &keys[i]) == 0) continue;
      if (i > 0) jsonAppendChar(&result, ',');
      jsonAppendRaw(&result, text.zBuf + keys[i].begin - 1, keys[i].size + 2);
    }
    jsonAppendChar(&result, ']');
    jsonReturnString(&result, 0, 0);
    sqlite3_result_subtype(context, JSON_SUBTYPE);
    jsonStringReset(&text);
  } else {
    jsonReturnString(&text, 0, 0); /* says what is wrong */
    jsonStringReset(&result);
  }
  sqlite3_free(keys);
  jsonParseFree(parse);
}

int libsql_engine_add_json_functions(sqlite3* db) {
  static const struct {
    const char* name;
    int arguments, flags;
    void (*call)(sqlite3_context*, int, sqlite3_value**);
  } functions[] = {
      {"json_length", 1, 0, libsqlJsonLength},
      {"json_length", 2, 0, libsqlJsonLength},
      {"json_depth", 1, 0, libsqlJsonDepth},
      {"json_keys", 1, SQLITE_RESULT_SUBTYPE, libsqlJsonKeys},
      {"json_keys", 2, SQLITE_RESULT_SUBTYPE, libsqlJsonKeys},
  };
  size_t i;
  for (i = 0; i < sizeof(functions) / sizeof(functions[0]); ++i) {
    const int rc = sqlite3_create_function(db, functions[i].name, functions[i].arguments,
                                           SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS | functions[i].flags, 0,
                                           functions[i].call, 0, 0);
    if (rc != SQLITE_OK) return rc;
    /* They keep what they have parsed with the statement, so none of them is called without one. */
    sqlite3FindFunction(db, functions[i].name, functions[i].arguments, SQLITE_UTF8, 0)->funcFlags |= SQLITE_FUNC_RUNONLY;
  }
  return SQLITE_OK;
}
