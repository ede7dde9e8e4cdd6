// A file system written in C++ as the engine sees it.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "engine/vfs.hpp"

namespace libsql::detail {

// One registered name. Never freed: a connection without open files may still point to it after its registration ended.
struct VfsAdapter {
  sqlite3_vfs base{};
  sqlite3_vfs* cipher = nullptr;
  std::string name;
  sqlite3_vfs* default_before = nullptr;
  std::mutex mutex;
  std::shared_ptr<Vfs> vfs;  // null once the registration has ended and the last file is closed
  std::size_t open_files = 0;
  bool registered = false;

  std::shared_ptr<Vfs> acquire() {
    const std::lock_guard guard(mutex);
    return vfs;
  }
};

}  // namespace libsql::detail

namespace libsql::engine {

/// Sets the functions that the engine calls. Requires: the adapter's lock; it has its name and its file system.
void set_callbacks(detail::VfsAdapter& adapter);

}  // namespace libsql::engine
