/// \file
/// Vectors as SQL values: the blobs that vector32() and the like make, their text form, distances, and the nearest
/// neighbours of a vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/export.hpp>
#include <libsql/value.hpp>

/// Malformed blobs and texts throw TypeMismatch; two vectors of different type or length throw Misuse; more than 65536
/// dimensions throw OutOfRange. The messages are those of the SQL functions (docs/sql-functions.md).
/// Threads: all functions may be called by several threads at once.
namespace libsql {

class Connection;

namespace vector {

/// The element type of a blob; the numbers are the codes in it.
enum class Type : std::uint8_t {
  Float32 = 1,
  Float64 = 2,
  Float1Bit = 3,  ///< the signs only: +1 or -1
  Float8 = 4,     ///< bytes, scaled between the least and the greatest element
  Float16 = 5,    ///< IEEE half precision
  FloatB16 = 6,   ///< bfloat16
  Float32Sparse = 9,
};

enum class Metric : std::uint8_t {
  Cosine,   ///< 1 - cosine, as vector_distance_cos(); for Float1Bit the bits that differ
  L2,       ///< Euclidean, as vector_distance_l2(); not for Float1Bit
  Dot,      ///< the negated inner product, as vector_distance_dot()
  Jaccard,  ///< as vector_distance_jaccard()
  Hamming,  ///< bits that differ; Float1Bit only
};

/// How floats are summed. Sequential: in order, with the same bits as libSQL and the SQL functions
/// vector_distance_cos() and vector_distance_l2(). Lanes: in 32 parallel sums, several times as fast and usually more
/// exact; the same bits on every processor, but not always those of Sequential.
enum class Summation : std::uint8_t { Lanes, Sequential };

/// The vector as a blob to bind. Float32 is what vector32() and vector() make.
LIBSQL_EXPORT Blob encode(std::span<const float> elements, Type type = Type::Float32);
LIBSQL_EXPORT Blob encode(std::span<const double> elements, Type type = Type::Float64);

/// The elements seen as a Float32 blob, without a copy: valid as long as they are.
inline BlobView as_blob(std::span<const float> elements) noexcept { return std::as_bytes(elements); }

/// The same vector with another element type.
LIBSQL_EXPORT Blob convert(BlobView vector, Type type);

LIBSQL_EXPORT Type type_of(BlobView vector);
LIBSQL_EXPORT std::size_t dimensions(BlobView vector);

/// The elements of a blob of any type.
LIBSQL_EXPORT std::vector<float> decode(BlobView vector);
LIBSQL_EXPORT std::vector<double> decode_double(BlobView vector);

/// The elements of the text form '[1,2,3]', by the rules of vector32() and vector64().
LIBSQL_EXPORT std::vector<float> parse(std::string_view text);
LIBSQL_EXPORT std::vector<double> parse_double(std::string_view text);

/// The shortest text form that parses back to the same elements (vector_extract() prints 6 digits only). Throws
/// OutOfRange for infinite elements and NaN, which have no text form.
LIBSQL_EXPORT std::string format(std::span<const float> elements);
LIBSQL_EXPORT std::string format(std::span<const double> elements);

/// The distance between two vectors; NaN where the SQL function answers NULL. The bits of the SQL function with
/// Summation::Sequential.
LIBSQL_EXPORT double distance(Metric metric, BlobView a, BlobView b, Summation summation = Summation::Lanes);
LIBSQL_EXPORT double distance(Metric metric, std::span<const float> a, std::span<const float> b,
                              Summation summation = Summation::Lanes);
LIBSQL_EXPORT double distance(Metric metric, std::span<const double> a, std::span<const double> b,
                              Summation summation = Summation::Lanes);

/// A row and its distance from the query vector.
struct Neighbor {
  std::int64_t rowid = 0;
  double distance = 0;

  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};

/// The k nearest of the vectors passed to it: the exact answer, with the distances, and so the order, of the SQL
/// functions, but faster: Lanes rules out most vectors first. For the rows of any query; for a whole table see
/// nearest(). Ties go to the smaller rowid. Vectors without a distance (NULL in SQL) are skipped. Threads: one at a
/// time.
class LIBSQL_EXPORT Nearest final {
 public:
  /// Throws as decode() does. `query` is copied.
  Nearest(Metric metric, BlobView query, std::size_t k);
  Nearest(Metric metric, std::span<const float> query, std::size_t k) : Nearest(metric, as_blob(query), k) {}
  Nearest(Nearest&&) noexcept;
  Nearest& operator=(Nearest&&) noexcept;
  ~Nearest();

  /// Passes one vector: a blob, a text, or NULL, which is skipped. Throws TypeMismatch for other values, and Misuse if
  /// type or length differ from those of the query; the message names the row.
  void add(std::int64_t rowid, ValueRef vector);

  /// The nearest vectors so far, in order of distance.
  std::vector<Neighbor> result() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What nearest() is asked beyond table, column and query.
struct NearestOptions {
  Metric metric = Metric::Cosine;
  /// A condition on the rows, as SQL text; empty for none. It becomes part of a statement: never build it from
  /// untrusted text.
  std::string where = {};
  std::string schema = "main";
};

/// The k rows of a table with rowids whose vector is nearest to the query, the nearest first, by looking at every row.
/// The answer of `SELECT rowid, vector_distance_...(column, query) ... ORDER BY 2, 1 LIMIT k` without rows where that
/// is NULL, but faster. Table and column are names, not SQL. Throws as Connection::query() and Nearest::add() do.
LIBSQL_EXPORT std::vector<Neighbor> nearest(Connection& connection, std::string_view table, std::string_view column,
                                            BlobView query, std::size_t k, const NearestOptions& options = {});
LIBSQL_EXPORT std::vector<Neighbor> nearest(Connection& connection, std::string_view table, std::string_view column,
                                            std::span<const float> query, std::size_t k,
                                            const NearestOptions& options = {});

}  // namespace vector
}  // namespace libsql
