// The answer to a cursor over HTTP. Its rows are read while the client takes them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decoded.hpp"
#include "hrana/cursor_writer.hpp"
#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"
#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/run/baton_streams.hpp"
#include "server/run/context.hpp"
#include "server/run/cursor_run.hpp"
#include "server/run/places.hpp"
#include "server/run/request_run.hpp"

namespace libsql::server {

class CursorBody final : public net::BodySource {
 public:
  struct Parts {
    core::Decoded<hrana::CursorRequest> request;  // owns the texts that it views
    std::optional<BudgetShare> memory;            // taken by the request
    RequestTexts texts;
    std::unique_ptr<BatonStream> stream;  // has its session
    std::string baton;
    Places::Place place;
    std::unique_ptr<BodyRecord> record;
  };
  /// `base_url` may be null; otherwise it must outlive this object.
  CursorBody(BatonStreams& streams, const Context& context, hrana::Encoding encoding, const std::string* base_url,
             Parts parts);
  ~CursorBody() override;

  Next pull(std::string& to) override;
  void stop() noexcept override { cancellation_.cancel(); }

 private:
  void settle() noexcept;

  BatonStreams& streams_;
  Parts parts_;
  Context context_;
  const hrana::Encoding encoding_;
  const std::string* const base_url_;
  std::string piece_;
  hrana::CursorEntryWriter writer_;
  Cancellation cancellation_;
  std::unique_ptr<CursorRun> run_;
  bool begun_ = false;
};

}  // namespace libsql::server
