// Answers of hostile servers, in the encoding that LIBSQL_FUZZ_ENCODING names.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/hrana_stability.hpp"

namespace {

using libsql::core::Source;
using libsql::hrana::Encoding;

constexpr Encoding kEncoding = Encoding::LIBSQL_FUZZ_ENCODING;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  namespace hrana = libsql::hrana;
  hrana_fuzz::check(kEncoding, input,
                    [](Source bytes) { return hrana::decode_pipeline_response(kEncoding, std::move(bytes)); });
  hrana_fuzz::check(kEncoding, input,
                    [](Source bytes) { return hrana::decode_server_message(kEncoding, std::move(bytes)); });
  if (const auto error = hrana::decode_error_body(kEncoding, Source::borrowed(input))) {
    std::string out;
    hrana::encode(kEncoding, **error, out);
    hrana_fuzz::require(hrana::decode_error_body(kEncoding, Source(std::move(out))).has_value(),
                        "an error that cannot be read again");
  }
  return 0;
}
