defmodule EctoLibSql.Arguments do
  @moduledoc false
  # Arguments as the native part takes them: a list of values, or {:named, [{name, value}]}.

  @doc "Encodes a list, a keyword list or a map of arguments."
  def encode([]), do: []

  def encode([{key, _} | _] = list) when is_atom(key) do
    # {:blob, bytes} is a value; any other pair has a name.
    if Enum.all?(list, &match?({name, _} when is_atom(name), &1)) and not Enum.all?(list, &match?({:blob, _}, &1)) do
      {:named, Enum.map(list, fn {name, value} -> {Atom.to_string(name), value(value)} end)}
    else
      Enum.map(list, &value/1)
    end
  end

  def encode(list) when is_list(list), do: Enum.map(list, &value/1)

  def encode(map) when is_map(map) and not is_struct(map) do
    {:named, Enum.map(map, fn {name, value} -> {name(name), value(value)} end)}
  end

  def encode(other), do: throw({:error, "arguments must be a list or map, got: #{inspect(other)}"})

  defp name(name) when is_binary(name), do: name
  defp name(name) when is_atom(name), do: Atom.to_string(name)
  defp name(name), do: raise(ArgumentError, "a parameter's name is an atom or a string, got: #{inspect(name)}")

  @doc "One value."
  def value(value) when is_integer(value) or is_binary(value) or is_float(value), do: value
  def value(value) when value in [nil, true, false], do: value
  def value(:null), do: nil
  def value(%DateTime{} = time), do: DateTime.to_iso8601(time)
  def value(%NaiveDateTime{} = time), do: NaiveDateTime.to_iso8601(time)
  def value(%Date{} = date), do: Date.to_iso8601(date)
  def value(%Time{} = time), do: Time.to_iso8601(time)
  def value(%{__struct__: Decimal} = decimal), do: apply(Decimal, :to_string, [decimal, :normal])
  def value(map) when is_map(map) and not is_struct(map), do: json(map)
  def value(other), do: other

  defp json(map) do
    EctoLibSql.JSON.encode!(map)
  rescue
    error ->
      reraise ArgumentError,
              "Cannot encode map parameter to JSON. #{Exception.message(error)}",
              __STACKTRACE__
  end
end
