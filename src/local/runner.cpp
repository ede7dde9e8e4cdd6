#include "local/runner.hpp"

#include "local/store.hpp"

namespace libsql::local {

Runner::Runner(std::shared_ptr<Store> store, std::size_t cache_bytes, WriteTurn::Scope scope,
               WriteTurn::GiveWay give_way, WaitWatch* watch)
    : store_(std::move(store)), connection_(store_->open_connection()), texts_(*connection_, cache_bytes) {
  if (const std::shared_ptr<WriteLine>& line = store_->write_line()) {
    turn_.emplace(*connection_, line, scope, std::move(give_way), watch);
  }
}

void Runner::close_all() noexcept {
  texts_.clear();
  connection_->close_all();
  if (turn_) turn_->give_up();
}

void Runner::close() {
  texts_.clear();
  connection_->close();
  if (turn_) turn_->give_up();
}

}  // namespace libsql::local
