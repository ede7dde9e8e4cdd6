defmodule EctoLibSql.UUID do
  @moduledoc """
  UUIDs made here, and SQL for those that the database makes.

  `generate/0`, `generate_v7/0`, `to_string/1` and `to_blob/1` are SQL text: for statements, and for the defaults of
  columns, where SQLite wants it in parentheses.

      iex> "CREATE TABLE t (id TEXT DEFAULT (\#{EctoLibSql.UUID.generate_v7()}))"
      "CREATE TABLE t (id TEXT DEFAULT (uuid7()))"
  """

  @doc "SQL for a random UUID as text."
  def generate, do: "uuid4()"
  @doc "SQL for a UUID of the current time as text."
  def generate_v7, do: "uuid7()"
  @doc "SQL for the text of a UUID in `expression`."
  def to_string(expression), do: "uuid_str(#{expression})"
  @doc "SQL for the 16 bytes of a UUID in `expression`."
  def to_blob(expression), do: "uuid_blob(#{expression})"

  @doc "A random UUID as text."
  def uuid4 do
    <<a::48, _::4, b::12, _::2, c::62>> = :crypto.strong_rand_bytes(16)
    text(<<a::48, 4::4, b::12, 2::2, c::62>>)
  end

  @doc "A UUID of the current time as text: later ones sort after earlier ones, to the millisecond."
  def uuid7 do
    <<b::12, c::62, _::6>> = :crypto.strong_rand_bytes(10)
    text(<<System.system_time(:millisecond)::48, 7::4, b::12, 2::2, c::62>>)
  end

  @doc """
  The 16 bytes of a UUID's text.

      iex> EctoLibSql.UUID.bin("00112233-4455-6677-8899-aabbccddeeff")
      {:ok, <<0x00112233445566778899AABBCCDDEEFF::128>>}
      iex> EctoLibSql.UUID.bin("no UUID")
      :error
  """
  def bin(
        <<a::binary-size(8), ?-, b::binary-size(4), ?-, c::binary-size(4), ?-, d::binary-size(4), ?-,
          e::binary-size(12)>>
      ),
      do: Base.decode16(a <> b <> c <> d <> e, case: :mixed)

  def bin(_other), do: :error

  @doc """
  When a UUID of version 7 was made, in milliseconds since 1970; nil for other versions.

      iex> EctoLibSql.UUID.timestamp_ms("018f4d9c-2a00-7000-8000-000000000000")
      1714994031104
  """
  def timestamp_ms(uuid) do
    case bin(uuid) do
      {:ok, <<ms::48, 7::4, _::76>>} -> ms
      _other -> nil
    end
  end

  defp text(<<a::binary-size(4), b::binary-size(2), c::binary-size(2), d::binary-size(2), e::binary-size(6)>>),
    do: Enum.map_join([a, b, c, d, e], "-", &Base.encode16(&1, case: :lower))
end
