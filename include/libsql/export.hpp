/// \file
/// Which symbols the shared library offers. Everything else, the engine included, is hidden.
#pragma once

#if defined(LIBSQL_STATIC)
#define LIBSQL_EXPORT
#elif defined(_WIN32) && defined(LIBSQL_BUILDING)
#define LIBSQL_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define LIBSQL_EXPORT __declspec(dllimport)
#else
#define LIBSQL_EXPORT __attribute__((visibility("default")))
#endif
