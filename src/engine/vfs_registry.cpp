// File systems by name: registering one written in C++, its encrypting twin, and whose the default is.
#include <string>
#include <utility>
#include <vector>

#include "core/errors.hpp"
#include "engine/vfs_adapter.hpp"

namespace libsql::engine {
namespace {

using detail::VfsAdapter;

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<VfsAdapter>> adapters;
};

// Never destroyed: connections may be closed after the end of main().
Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

std::string cipher_name(std::string_view name) { return "multipleciphers-" + std::string(name); }

// Finds the encrypting twin of `name`, or makes it. Requires: the registry's lock, because the engine does not look
// whether the twin exists.
sqlite3_vfs* cipher_twin([[maybe_unused]] const std::string& name) {
  sqlite3_vfs* twin = sqlite3_vfs_find(cipher_name(name).c_str());
#ifdef SQLITE3MC_VERSION_STRING
  if (twin == nullptr && sqlite3mc_vfs_create(name.c_str(), 0) == SQLITE_OK) {
    twin = sqlite3_vfs_find(cipher_name(name).c_str());
  }
#endif
  return twin;
}

VfsAdapter* add(std::string_view name, std::shared_ptr<Vfs> vfs, MakeDefault make_default) {
  if (name.empty() || vfs == nullptr) {
    core::throw_error(ErrorCode::Misuse, "register_vfs() needs a name and a Vfs");
  }
  if (name.find('\0') != std::string_view::npos) core::throw_error(ErrorCode::Misuse, "a VFS name with a zero byte");
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  const std::string wanted(name);
  if (sqlite3_vfs_find(wanted.c_str()) != nullptr) {
    core::throw_error(ErrorCode::Misuse, "there is a VFS of the name \"" + wanted + "\" already");
  }
  // A finished registration of that name is used again, so registering in a loop needs no more memory.
  VfsAdapter* adapter = nullptr;
  for (const auto& old : all.adapters) {
    const std::lock_guard old_guard(old->mutex);
    if (!old->registered && old->vfs == nullptr && old->name == wanted && old->base.mxPathname == vfs->max_path()) {
      adapter = old.get();
      break;
    }
  }
  if (adapter == nullptr) {
    all.adapters.push_back(std::make_unique<VfsAdapter>());
    adapter = all.adapters.back().get();
    adapter->name = wanted;
  }
  {
    const std::lock_guard adapter_guard(adapter->mutex);
    adapter->vfs = std::move(vfs);
    adapter->registered = true;
    if (adapter->base.xOpen == nullptr) set_callbacks(*adapter);
  }
  sqlite3_vfs* const default_before = sqlite3_vfs_find(nullptr);
  int code = sqlite3_vfs_register(&adapter->base, 0);
  if (code == SQLITE_OK && adapter->cipher == nullptr) {
    adapter->cipher = cipher_twin(adapter->name);
  } else if (code == SQLITE_OK) {
    code = sqlite3_vfs_register(adapter->cipher, 0);
  }
  if (code == SQLITE_OK && make_default == MakeDefault::Yes) {
    adapter->default_before = default_before;
    code = sqlite3_vfs_register(adapter->cipher != nullptr ? adapter->cipher : &adapter->base, 1);
  }
  if (code != SQLITE_OK) core::throw_error(ErrorCode::Configuration, "the engine refused the VFS \"" + wanted + "\"");
  return adapter;
}

bool is_registered(const sqlite3_vfs* vfs) noexcept { return vfs != nullptr && sqlite3_vfs_find(vfs->zName) == vfs; }

enum class IfOpen { Refuse, Detach };

void remove(VfsAdapter& adapter, IfOpen if_open) {
  std::shared_ptr<Vfs> last;  // released outside the locks
  const std::lock_guard guard(registry().mutex);
  {
    const std::lock_guard adapter_guard(adapter.mutex);
    if (if_open == IfOpen::Refuse && adapter.open_files > 0) {
      core::throw_error(ErrorCode::Misuse, "the VFS \"" + adapter.name + "\" has open files");
    }
    adapter.registered = false;
    if (adapter.open_files == 0) last.swap(adapter.vfs);
  }
  const sqlite3_vfs* const current = sqlite3_vfs_find(nullptr);
  const bool was_default = current == &adapter.base || current == adapter.cipher;
  sqlite3_vfs_unregister(&adapter.base);
  if (adapter.cipher != nullptr) sqlite3_vfs_unregister(adapter.cipher);
  if (was_default) {
    // The engine would take any other registered one.
    sqlite3_vfs* next = is_registered(adapter.default_before) ? adapter.default_before : nullptr;
    if (next == nullptr) next = cipher_twin(system_vfs()->zName);
    sqlite3_vfs_register(next != nullptr ? next : system_vfs(), 1);
  }
}

}  // namespace

sqlite3_vfs* system_vfs() {
  static sqlite3_vfs* const found = [] {
    for (const char* name : {"unix", "win32"}) {
      if (sqlite3_vfs* vfs = sqlite3_vfs_find(name)) return vfs;
    }
    return sqlite3_vfs_find(nullptr);
  }();
  return found;
}

std::string cipher_vfs_name(std::string_view name) {
  std::string plain(name);
  if (plain.empty() || plain.starts_with("multipleciphers-")) return plain;
  const std::lock_guard guard(registry().mutex);
  if (sqlite3_vfs_find(plain.c_str()) == nullptr) return plain;
  const sqlite3_vfs* const twin = cipher_twin(plain);
  return twin != nullptr ? std::string(twin->zName) : plain;
}

bool vfs_exists(std::string_view name) { return sqlite3_vfs_find(std::string(name).c_str()) != nullptr; }

}  // namespace libsql::engine

namespace libsql {

VfsRegistration register_vfs(std::string_view name, std::shared_ptr<Vfs> vfs, MakeDefault make_default) {
  return VfsRegistration(engine::add(name, std::move(vfs), make_default));
}

VfsRegistration::VfsRegistration() noexcept = default;
VfsRegistration::VfsRegistration(VfsRegistration&& other) noexcept : adapter_(std::exchange(other.adapter_, nullptr)) {}
VfsRegistration& VfsRegistration::operator=(VfsRegistration&& other) noexcept {
  std::swap(adapter_, other.adapter_);
  return *this;
}
VfsRegistration::~VfsRegistration() {
  if (adapter_ == nullptr) return;
  try {
    engine::remove(*adapter_, engine::IfOpen::Detach);
  } catch (...) {  // Only a mutex can fail here; the name then stays registered.
  }
}

const std::string& VfsRegistration::name() const noexcept {
  static const std::string none;
  return adapter_ == nullptr ? none : adapter_->name;
}
std::size_t VfsRegistration::open_files() const noexcept {
  if (adapter_ == nullptr) return 0;
  const std::lock_guard guard(adapter_->mutex);
  return adapter_->open_files;
}
void VfsRegistration::unregister() {
  if (adapter_ == nullptr) return;
  engine::remove(*adapter_, engine::IfOpen::Refuse);
  adapter_ = nullptr;
}
void VfsRegistration::release() noexcept { adapter_ = nullptr; }

}  // namespace libsql
