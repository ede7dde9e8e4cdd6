#include "local/runner.hpp"

#include "local/store.hpp"

namespace libsql::local {

Runner::Runner(std::shared_ptr<Store> store, std::size_t cache_bytes, WriteTurn::Scope scope,
               WriteTurn::GiveWay give_way, WaitWatch* watch)
    : store_(std::move(store)),
      own_(store_->open_connection()),
      connection_(own_.get()),
      texts_(*connection_, cache_bytes) {
  if (const std::shared_ptr<WriteLine>& line = store_->write_line()) {
    turn_.emplace(*connection_, line, scope, std::move(give_way), watch);
  }
}

Runner::Runner(std::shared_ptr<Store> store, BorrowedConnection lent, std::size_t cache_bytes, WriteTurn::Scope scope)
    : store_(std::move(store)), lent_(std::move(lent)), connection_(&*lent_), texts_(*connection_, cache_bytes) {
  if (const std::shared_ptr<WriteLine>& line = store_->write_line()) turn_.emplace(*connection_, line, scope);
}

Runner::~Runner() {
  if (own_ != nullptr || connection_->is_closed()) {
    close_all();
  } else {
    connection_->end_cursors();
    texts_.clear();
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
