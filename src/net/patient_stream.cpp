#include "net/patient_stream.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>

namespace libsql::net {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kDirect = 16 * 1024;        // from here on a read goes to where the reader wants it
constexpr std::size_t kKeptMemory = 1024 * 1024;  // a larger buffer is given back when it is empty

}  // namespace

void PatientStream::wait(short events, bool sent_meanwhile) {
  wait_or_throw(stream_.descriptor(), events, wait_, sent_meanwhile, what_);
}

IoState PatientStream::fill_once() {
  char* to = kept_.prepare(kReadSize);
  const IoResult result = stream_.read(to, kept_.room());
  if (result.state == IoState::Ready) {
    kept_.commit(result.bytes);
    bytes_received += result.bytes;
  }
  return result.state;
}

bool PatientStream::fill() {
  for (;;) {
    const IoState state = fill_once();
    if (state == IoState::Ready) return true;
    if (state == IoState::Closed || state == IoState::Failed) return false;
    if (!may_wait_) throw NothingYet();
    wait(state == IoState::WantRead ? POLLIN : POLLOUT, sent);
  }
}

std::size_t PatientStream::read(char* to, std::size_t size) {
  if (kept_.empty() && size >= kDirect) {
    if (kept_.capacity() > kKeptMemory) kept_.release();
    const IoResult result = stream_.read(to, size);
    if (result.state == IoState::Ready) {
      bytes_received += result.bytes;
      return result.bytes;
    }
  }
  if (kept_.empty() && !fill()) return 0;
  const std::size_t taken = std::min(size, kept_.size());
  std::memcpy(to, kept_.data(), taken);
  kept_.consume(taken);
  return taken;
}

std::size_t PatientStream::write(std::string_view first, std::string_view second) {
  for (;;) {
    const IoResult result = stream_.write(first, second);
    switch (result.state) {
      case IoState::Ready:
        sent = true;
        bytes_sent += result.bytes;
        return result.bytes;
      case IoState::WantRead:
        wait(POLLIN, sent || stream_.encrypted());
        break;
      case IoState::WantWrite: {
        // An encrypted piece may have left in part although nothing of it counts as written yet.
        const bool may_read = kept_.size() < max_kept_;
        wait(static_cast<short>(may_read ? POLLOUT | POLLIN : POLLOUT), sent || stream_.encrypted());
        if (may_read) {
          const IoState state = fill_once();
          if (state == IoState::Closed || state == IoState::Failed) return 0;
        }
        break;
      }
      case IoState::Closed:
      case IoState::Failed:
        sent = sent || stream_.encrypted();
        return 0;
    }
  }
}

}  // namespace libsql::net
