defmodule EctoLibSql.Vector do
  @moduledoc """
  Vectors: their text, their column types, SQL for distances, and the nearest rows.
  """
  alias EctoLibSql.{Error, Native, State}

  @types %{f64: "F64_BLOB", f32: "F32_BLOB", f16: "F16_BLOB", bf16: "FB16_BLOB", f8: "F8_BLOB", f1bit: "F1BIT_BLOB"}

  @doc """
  The text of a vector.

      iex> EctoLibSql.Vector.vector([1, 2.5])
      "[1,2.5]"
  """
  def vector(numbers) when is_list(numbers), do: "[" <> Enum.map_join(numbers, ",", &number/1) <> "]"

  defp number(number) when is_integer(number), do: Integer.to_string(number)
  defp number(number) when is_float(number), do: Float.to_string(number)
  defp number(other), do: raise(ArgumentError, "a vector has numbers, got: #{inspect(other)}")

  @doc """
  The column type of vectors: `:f64`, `:f32`, `:f16`, `:bf16`, `:f8` or `:f1bit`.

      iex> EctoLibSql.Vector.vector_type(3, :f32)
      "F32_BLOB(3)"
  """
  def vector_type(dimensions, type \\ :f32) when is_integer(dimensions) and dimensions > 0 do
    name = @types[type] || raise ArgumentError, "type must be one of #{inspect(Map.keys(@types))}"
    "#{name}(#{dimensions})"
  end

  @doc """
  SQL for the cosine distance of a column and a vector.

      iex> EctoLibSql.Vector.distance_cos("embedding", [1, 2])
      "vector_distance_cos(embedding, '[1,2]')"
  """
  def distance_cos(column, vector), do: distance("cos", column, vector)
  @doc "SQL for the Euclidean distance."
  def l2_distance(column, vector), do: distance("l2", column, vector)
  @doc "SQL for the negated inner product."
  def inner_product(column, vector), do: distance("dot", column, vector)
  @doc "SQL for the number of bits that differ; of `:f1bit` vectors."
  def hamming_distance(column, vector), do: distance("hamming", column, vector)
  @doc "SQL for the Jaccard distance."
  def jaccard_distance(column, vector), do: distance("jaccard", column, vector)

  # The text becomes part of a statement, so a column is a name, and nothing in a vector can end its string.
  defp distance(kind, column, vector) do
    unless column =~ ~r/\A[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)?\z/ do
      raise ArgumentError, "a column is a name, got: #{inspect(column)}"
    end

    "vector_distance_#{kind}(#{column}, '#{String.replace(text(vector), "'", "''")}')"
  end

  defp text(vector) when is_list(vector), do: vector(vector)
  defp text(vector) when is_binary(vector), do: vector

  @doc """
  The `k` rows of a table whose vectors are nearest, as `{rowid, distance}`, the nearest first. `metric:` is `:cos`
  (default), `:l2`, `:dot`, `:jaccard` or `:hamming`.
  """
  def nearest_neighbors(%State{} = state, table, column, vector, k, options \\ []) when is_integer(k) and k >= 0 do
    metric = Keyword.get(options, :metric, :cos)

    unless metric in [:cos, :l2, :dot, :jaccard, :hamming] do
      raise ArgumentError, "option :metric cannot be #{inspect(metric)}; allowed: :cos, :l2, :dot, :jaccard, :hamming"
    end

    sql = """
    SELECT rowid, vector_distance_#{metric}(#{name(column)}, ?1) AS distance FROM #{name(table)}
    WHERE distance IS NOT NULL ORDER BY distance, rowid LIMIT ?2
    """

    case Native.run(state.conn_id, sql, [text(vector), k], state.trx_id) do
      {:ok, _columns, rows, _, _, _} -> {:ok, Enum.map(rows, &List.to_tuple/1)}
      {:error, reason} -> {:error, Error.from_reason(reason, sql)}
    end
  end

  defp name(name), do: ~s("#{String.replace(to_string(name), ~s("), ~s(""))}")
end
