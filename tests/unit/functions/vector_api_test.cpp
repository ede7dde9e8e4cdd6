#include <gtest/gtest.h>

#include <cmath>
#include <libsql/libsql.hpp>
#include <random>

namespace libsql::vector {
namespace {

std::vector<float> random_floats(std::mt19937& random, std::size_t n) {
  std::normal_distribution<float> distribution;
  std::vector<float> elements(n);
  for (float& element : elements) element = distribution(random);
  return elements;
}

const Type kTypes[] = {Type::Float32, Type::Float64,  Type::Float1Bit,    Type::Float8,
                       Type::Float16, Type::FloatB16, Type::Float32Sparse};

TEST(Vector, EncodesAndDecodesEveryType) {
  const std::vector<float> elements{1, -1, 1, 1, -1};
  for (const Type type : kTypes) {
    const Blob blob = encode(elements, type);
    EXPECT_EQ(type_of(blob), type);
    EXPECT_EQ(dimensions(blob), elements.size());
    EXPECT_EQ(decode(blob), elements);
    EXPECT_EQ(decode_double(blob), std::vector<double>(elements.begin(), elements.end()));
    EXPECT_EQ(convert(encode(elements), type), blob);
  }
}

TEST(Vector, AsBlobIsTheFloat32BlobWithoutACopy) {
  const std::vector<float> elements{1, 2, 3};
  const BlobView view = as_blob(elements);
  EXPECT_EQ(static_cast<const void*>(view.data()), elements.data());
  EXPECT_EQ(Blob(view.begin(), view.end()), encode(elements));
}

TEST(Vector, RefusesMalformedInputByClass) {
  const Blob half(6);
  EXPECT_THROW(decode(half), TypeMismatch);
  EXPECT_THROW(parse("[1,x]"), TypeMismatch);
  EXPECT_THROW(encode(std::vector<float>(65537)), OutOfRange);
  EXPECT_THROW(distance(Metric::L2, std::vector<float>(2), std::vector<float>(3)), Misuse);
  EXPECT_THROW(distance(Metric::L2, encode(std::vector<float>(2)), encode(std::vector<double>(2))), Misuse);
  EXPECT_THROW(distance(Metric::Hamming, std::vector<float>(2), std::vector<float>(2)), Misuse);
  EXPECT_THROW(format(std::vector<float>{INFINITY}), OutOfRange);
}

TEST(Vector, FormatParsesBackToTheSameBits) {
  std::mt19937 random(1);
  const auto floats = random_floats(random, 500);
  EXPECT_EQ(parse(format(floats)), floats);
  std::vector<double> doubles(floats.begin(), floats.end());
  for (double& element : doubles) element *= 1.0 / 3;
  EXPECT_EQ(parse_double(format(doubles)), doubles);
  EXPECT_EQ(format(std::vector<float>{0.1F, -0.0F, 1e30F}), "[0.1,-0,1e+30]");
  EXPECT_EQ(format(std::vector<float>{}), "[]");
}

TEST(Vector, DistancesOfSpansAndBlobsAgree) {
  std::mt19937 random(2);
  const auto a = random_floats(random, 100);
  const auto b = random_floats(random, 100);
  for (const Metric metric : {Metric::Cosine, Metric::L2, Metric::Dot, Metric::Jaccard}) {
    for (const Summation summation : {Summation::Lanes, Summation::Sequential}) {
      EXPECT_EQ(distance(metric, a, b, summation), distance(metric, encode(a), encode(b), summation));
    }
  }
  EXPECT_EQ(distance(Metric::Hamming, encode(std::vector<float>{1, -1}, Type::Float1Bit),
                     encode(std::vector<float>{1, 1}, Type::Float1Bit)),
            1);
  EXPECT_TRUE(std::isnan(distance(Metric::Cosine, std::vector<float>{0, 0}, std::vector<float>{1, 1})));
}

/// What SQL answers to the question that nearest() answers.
std::vector<Neighbor> by_sql(Connection& connection, const char* function, BlobView query, int k) {
  std::vector<Neighbor> neighbors;
  const std::string sql = std::string("SELECT id, ") + function +
                          "(e, ?1) AS d FROM items WHERE e IS NOT NULL AND d IS NOT NULL ORDER BY 2, 1 LIMIT ?2";
  for (const auto& [id, d] : connection.query<std::int64_t, double>(sql, query, k)) neighbors.push_back({id, d});
  return neighbors;
}

class NearestInTable : public testing::TestWithParam<Type> {
 protected:
  Database database_ = Builder::local(":memory:").build();
  Connection connection_ = database_.connect();
};

TEST_P(NearestInTable, EqualsTheAnswerOfSql) {
  connection_.execute("CREATE TABLE items(id INTEGER PRIMARY KEY, e)");
  std::mt19937 random(3);
  const auto centre = random_floats(random, 96);
  {
    Transaction tx = connection_.transaction();
    for (int i = 0; i < 800; ++i) {
      auto elements = random_floats(random, 96);
      // Some lie close together, some are scaled copies (ties of the cosine), some are the extremes of float.
      if (i % 3 == 0) {
        for (std::size_t j = 0; j < elements.size(); ++j) elements[j] = centre[j] + elements[j] * 1e-4F;
      }
      if (i % 7 == 0) {
        for (std::size_t j = 0; j < elements.size(); ++j) elements[j] = centre[j] * static_cast<float>(1 + i % 4);
      }
      if (i % 50 == 0) {
        for (float& element : elements) element *= 1e-22F;
      }
      if (i % 50 == 1) {
        for (float& element : elements) element *= 1e18F;
      }
      if (i % 100 == 2) elements.assign(elements.size(), 0.0F);
      connection_.execute("INSERT INTO items(e) VALUES (?)", encode(elements, GetParam()));
    }
    connection_.execute("INSERT INTO items(e) VALUES (NULL)");
    tx.commit();
  }
  for (const int k : {1, 5, 50, 2000}) {
    const Blob query = encode(centre, GetParam());
    EXPECT_EQ(nearest(connection_, "items", "e", query, static_cast<std::size_t>(k)),
              by_sql(connection_, "vector_distance_cos", query, k));
    if (GetParam() != Type::Float1Bit) {
      EXPECT_EQ(nearest(connection_, "items", "e", query, static_cast<std::size_t>(k), {.metric = Metric::L2}),
                by_sql(connection_, "vector_distance_l2", query, k));
    }
    EXPECT_EQ(nearest(connection_, "items", "e", query, static_cast<std::size_t>(k), {.metric = Metric::Dot}),
              by_sql(connection_, "vector_distance_dot", query, k));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, NearestInTable, testing::ValuesIn(kTypes),
                         [](const testing::TestParamInfo<Type>& type) {
                           return "Code" + std::to_string(static_cast<int>(type.param));
                         });

TEST(Nearest, QuotesNamesAndFilters) {
  Database database = Builder::local(":memory:").build();
  Connection connection = database.connect();
  connection.execute("CREATE TABLE \"my \"\"items\"(id INTEGER PRIMARY KEY, \"the vector\", kind TEXT)");
  connection.execute(
      "INSERT INTO \"my \"\"items\" VALUES (1, '[1,0]', 'a'), (2, '[0,1]', 'b'), (3, vector('[1,1]'), 'b')");
  const std::vector<float> query{1, 0};
  const auto all = nearest(connection, "my \"items", "the vector", query, 10);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], (Neighbor{1, 0}));
  const auto some = nearest(connection, "my \"items", "the vector", query, 1, {.where = "kind = 'b' -- only these"});
  ASSERT_EQ(some.size(), 1U);
  EXPECT_EQ(some[0].rowid, 3);
  EXPECT_TRUE(nearest(connection, "my \"items", "the vector", query, 0).empty());
  EXPECT_THROW(nearest(connection, "nowhere", "e", query, 1), SqlError);
}

TEST(Nearest, NamesTheRowThatDoesNotFit) {
  Nearest nearest(Metric::L2, std::vector<float>{1, 2}, 3);
  try {
    nearest.add(42, ValueRef(std::string_view("[1,2,3]")));
    FAIL();
  } catch (const Misuse& failure) {
    EXPECT_EQ(failure.message(), "vector_distance: vectors must have the same length: 3 != 2 (row 42)");
  }
  EXPECT_THROW(nearest.add(1, ValueRef(std::int64_t{5})), TypeMismatch);
  EXPECT_THROW(nearest.add(1, ValueRef(std::string_view("[1"))), TypeMismatch);
  EXPECT_TRUE(nearest.result().empty());
}

TEST(Nearest, BreaksTiesByRowid) {
  Nearest nearest(Metric::L2, std::vector<float>{0}, 2);
  for (const std::int64_t id : {5, 3, 9, 1}) nearest.add(id, ValueRef(std::string_view("[1]")));
  EXPECT_EQ(nearest.result(), (std::vector<Neighbor>{{1, 1}, {3, 1}}));
}

}  // namespace
}  // namespace libsql::vector
