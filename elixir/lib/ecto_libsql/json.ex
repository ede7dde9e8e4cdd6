defmodule EctoLibSql.JSON do
  @moduledoc """
  JSON by SQLite's functions, on a connection: each function runs one SELECT.
  """
  alias EctoLibSql.{Error, Native, State}

  @doc "The value at a path: objects and arrays as text, nil if there is none."
  def extract(%State{} = state, json, path), do: one(state, "SELECT json_extract(?, ?)", [json, path])

  @doc "The type of the value at a path, or nil."
  def type(%State{} = state, json, path \\ "$"), do: one(state, "SELECT json_type(?, ?)", [json, path])

  @doc "Whether a text is JSON."
  def is_valid(%State{} = state, json) do
    with {:ok, valid} <- one(state, "SELECT json_valid(?)", [json]), do: {:ok, valid == 1}
  end

  @doc "The array of some values."
  def array(%State{} = state, values) when is_list(values),
    do: one(state, "SELECT json_array(#{marks(values)})", values)

  @doc "The object of a flat list `[key, value, ...]`."
  def object(%State{} = state, pairs) when is_list(pairs) do
    if rem(length(pairs), 2) == 0,
      do: one(state, "SELECT json_object(#{marks(pairs)})", pairs),
      else: {:error, {:invalid_arguments, "json_object requires even number of arguments"}}
  end

  defp marks(values), do: Enum.map_join(values, ", ", fn _ -> "?" end)

  @doc "The members of an object or array at a path: `{key, value, type}`."
  def each(%State{} = state, json, path \\ "$") do
    rows(state, "SELECT key, value, type FROM json_each(?, ?)", [json, path])
  end

  @doc "All values below a path: `{full key, atom, type}`."
  def tree(%State{} = state, json, path \\ "$") do
    rows(state, "SELECT fullkey, atom, type FROM json_tree(?, ?)", [json, path])
  end

  @doc "The JSON as minified text (`:json`) or in SQLite's binary form (`:jsonb`)."
  def convert(state, json, format \\ :json)
  def convert(%State{} = state, json, :json), do: one(state, "SELECT json(?)", [json])
  def convert(%State{} = state, json, :jsonb), do: one(state, "SELECT jsonb(?)", [json])
  def convert(%State{}, _json, _format), do: raise(ArgumentError, "format must be :json or :jsonb")

  @doc "A value as JSON."
  def json_quote(%State{} = state, value), do: one(state, "SELECT json_quote(?)", [value])

  @doc "The JSON without what a path, or each of several, leads to."
  def remove(%State{} = state, json, paths) do
    paths = List.wrap(paths)
    one(state, "SELECT json_remove(?#{Enum.map_join(paths, fn _ -> ", ?" end)})", [json | paths])
  end

  @doc "The JSON with another value at a path, whether there is one or not."
  def set(%State{} = state, json, path, value), do: change(state, "json_set", json, path, value)
  @doc "The JSON with another value at a path, if there is one."
  def replace(%State{} = state, json, path, value), do: change(state, "json_replace", json, path, value)
  @doc "The JSON with a value at a path, if there is none."
  def insert(%State{} = state, json, path, value), do: change(state, "json_insert", json, path, value)

  # What SQL has no type for goes as JSON.
  defp change(state, function, json, path, value) when is_boolean(value) or is_map(value) or is_list(value),
    do: one(state, "SELECT #{function}(?, ?, json(?))", [json, path, encode!(value)])

  defp change(state, function, json, path, value), do: one(state, "SELECT #{function}(?, ?, ?)", [json, path, value])

  @doc "The JSON merged with another, as RFC 7396 says: members that are null there are removed."
  def patch(%State{} = state, json, patch), do: one(state, "SELECT json_patch(?, ?)", [json, patch])
  @doc "The same as `patch/3`."
  def merge(%State{} = state, json, patch), do: patch(state, json, patch)

  @doc "The number of members of the object or array at a path; nil of anything else."
  def json_length(%State{} = state, json, path \\ "$") do
    one(
      state,
      "SELECT CASE WHEN json_type(?1, ?2) IN ('object', 'array') THEN (SELECT count(*) FROM json_each(?1, ?2)) END",
      [json, path]
    )
  end

  @doc "How deep the JSON is nested: 1 for scalars and for what is empty."
  def depth(%State{} = state, json) do
    sql = """
    WITH RECURSIVE node(id, depth) AS (
      SELECT id, 1 FROM json_tree(?1) WHERE parent IS NULL
      UNION ALL
      SELECT child.id, node.depth + 1 FROM node JOIN json_tree(?1) AS child ON child.parent = node.id)
    SELECT max(depth) FROM node
    """

    one(state, sql, [json])
  end

  @doc "The keys of the object at a path, sorted, as a JSON array; nil of anything else."
  def keys(%State{} = state, json, path \\ "$") do
    sql = """
    SELECT CASE WHEN json_type(?1, ?2) = 'object'
      THEN (SELECT json_group_array(key) FROM (SELECT key FROM json_each(?1, ?2) ORDER BY key)) END
    """

    one(state, sql, [json, path])
  end

  @doc """
  SQL for a member of a column: `->` (`:arrow`) gives JSON, `->>` (`:double_arrow`) a value.

      iex> EctoLibSql.JSON.arrow_fragment("settings", "theme")
      "settings -> 'theme'"
      iex> EctoLibSql.JSON.arrow_fragment("items", 0, :double_arrow)
      "items ->> 0"
  """
  def arrow_fragment(column, path, operator \\ :arrow)

  def arrow_fragment(column, path, operator) when operator in [:arrow, :double_arrow] do
    unless is_binary(column) and column =~ ~r/\A[a-zA-Z_][a-zA-Z0-9_]*\z/ do
      raise ArgumentError, "json_column must be a valid SQL identifier, got: #{inspect(column)}"
    end

    arrow = if operator == :arrow, do: "->", else: "->>"
    "#{column} #{arrow} #{key(path)}"
  end

  defp key(index) when is_integer(index), do: Integer.to_string(index)
  defp key(key) when is_binary(key), do: "'" <> String.replace(key, "'", "''") <> "'"

  defp one(state, sql, args) do
    case Native.run(state.conn_id, sql, args, nil) do
      {:ok, _columns, [[value]], _, _, _} -> {:ok, value}
      {:ok, _columns, rows, _, _, _} -> {:error, {:unexpected_response, rows}}
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  defp rows(state, sql, args) do
    case Native.run(state.conn_id, sql, args, nil) do
      {:ok, _columns, rows, _, _, _} -> {:ok, Enum.map(rows, &List.to_tuple/1)}
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc """
  A term as JSON text: by Jason where it is there, which knows the protocols of other libraries, else by rules of our own
  for maps, lists, strings, numbers, atoms, dates and times.

      iex> EctoLibSql.JSON.encode!(%{"a" => [1, nil, true, "\\n"]})
      ~S({"a":[1,null,true,"\\n"]})
  """
  def encode!(term) do
    if Code.ensure_loaded?(Jason), do: apply(Jason, :encode!, [term]), else: term |> encode() |> IO.iodata_to_binary()
  end

  defp encode(nil), do: "null"
  defp encode(value) when is_boolean(value), do: Atom.to_string(value)
  defp encode(value) when is_integer(value), do: Integer.to_string(value)
  defp encode(value) when is_float(value), do: Float.to_string(value)
  defp encode(value) when is_atom(value), do: text(Atom.to_string(value))
  defp encode(value) when is_binary(value), do: text(value)
  defp encode(list) when is_list(list), do: [?[, list |> Enum.map(&encode/1) |> Enum.intersperse(?,), ?]]

  defp encode(%struct{} = value) when struct in [Date, Time, DateTime, NaiveDateTime],
    do: text(struct.to_iso8601(value))

  defp encode(%{__struct__: Decimal} = value), do: text(apply(Decimal, :to_string, [value, :normal]))

  defp encode(map) when is_map(map) and not is_struct(map) do
    pairs = for {key, value} <- map, do: [text(to_string(key)), ?:, encode(value)]
    [?{, Enum.intersperse(pairs, ?,), ?}]
  end

  defp encode(other), do: raise(ArgumentError, "there is no JSON for #{inspect(other)}")

  defp text(string) do
    unless String.valid?(string),
      do: raise(ArgumentError, "there is no JSON for bytes that are not UTF-8: #{inspect(string)}")

    [?", for(<<c::utf8 <- string>>, do: escaped(c)), ?"]
  end

  defp escaped(?"), do: ~S(\")
  defp escaped(?\\), do: ~S(\\)
  defp escaped(?\n), do: ~S(\n)
  defp escaped(?\r), do: ~S(\r)
  defp escaped(?\t), do: ~S(\t)
  defp escaped(c) when c < 0x20, do: ["\\u", c |> Integer.to_string(16) |> String.pad_leading(4, "0")]
  defp escaped(c), do: <<c::utf8>>
end
