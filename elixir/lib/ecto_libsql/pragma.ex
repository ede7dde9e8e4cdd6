defmodule EctoLibSql.Pragma do
  @moduledoc """
  Settings of a connection and of its database, and what the schema looks like. Readers return `{:ok, result}` with the
  rows as SQLite gives them; switches return `:ok`.
  """
  alias EctoLibSql.{Error, Native, Result, State}

  @doc "Runs the text of a PRAGMA."
  def query(%State{} = state, sql) when is_binary(sql) do
    case Native.run(state.conn_id, sql, [], nil) do
      {:ok, columns, rows, _changes, _rowid, _} ->
        {:ok, %Result{command: :pragma, columns: columns || [], rows: rows, num_rows: length(rows)}}

      {:error, reason} ->
        {:error, Error.from_reason(reason, sql)}
    end
  end

  defp done({:ok, _result}), do: :ok
  defp done(error), do: error

  @doc "Checks foreign keys from now on. Has no effect inside a transaction."
  def enable_foreign_keys(%State{} = state), do: state |> query("PRAGMA foreign_keys = ON") |> done()
  @doc "Checks foreign keys no more. Has no effect inside a transaction."
  def disable_foreign_keys(%State{} = state), do: state |> query("PRAGMA foreign_keys = OFF") |> done()
  @doc "Whether foreign keys are checked: `[[1]]` or `[[0]]`."
  def foreign_keys(%State{} = state), do: query(state, "PRAGMA foreign_keys")

  @doc "Sets the journal mode: `:delete`, `:wal`, `:memory`, `:persist`, `:truncate` or `:off`."
  def set_journal_mode(%State{} = state, mode) when mode in [:delete, :wal, :memory, :persist, :truncate, :off],
    do: query(state, "PRAGMA journal_mode = #{mode}")

  @doc "The journal mode."
  def journal_mode(%State{} = state), do: query(state, "PRAGMA journal_mode")

  @doc "Sets how often to wait for the disk: `:off`, `:normal`, `:full`, `:extra`, or 0 to 3."
  def set_synchronous(%State{} = state, level) when level in [:off, :normal, :full, :extra, 0, 1, 2, 3],
    do: query(state, "PRAGMA synchronous = #{level}")

  @doc "How often to wait for the disk, as a number."
  def synchronous(%State{} = state), do: query(state, "PRAGMA synchronous")

  @doc "Sets a number of the application's own in the file."
  def set_user_version(%State{} = state, version) when is_integer(version),
    do: query(state, "PRAGMA user_version = #{version}")

  @doc "That number."
  def user_version(%State{} = state), do: query(state, "PRAGMA user_version")

  @doc "The tables and views."
  def table_list(%State{} = state), do: query(state, "PRAGMA table_list")

  @doc "The columns of a table: `[cid, name, type, notnull, default, pk]`."
  def table_info(%State{} = state, table), do: about(state, "table_info", table)
  @doc "The indexes of a table."
  def index_list(%State{} = state, table), do: about(state, "index_list", table)
  @doc "The columns of an index."
  def index_info(%State{} = state, index), do: about(state, "index_info", index)
  @doc "The foreign keys of a table."
  def foreign_key_list(%State{} = state, table), do: about(state, "foreign_key_list", table)

  defp about(state, pragma, name) when is_atom(name) or is_binary(name) do
    text = to_string(name)

    if text =~ ~r/\A[a-zA-Z_][a-zA-Z0-9_.]*\z/,
      do: query(state, "PRAGMA #{pragma}(#{quoted(text)})"),
      else: {:error, {:invalid_identifier, name}}
  end

  defp quoted(name), do: ~s("#{name}")

  @doc """
  Sets the size of the cache: pages, or `megabytes: n`, or `kilobytes: n`.
  """
  def set_cache_size(%State{} = state, pages) when is_integer(pages),
    do: state |> query("PRAGMA cache_size = #{pages}") |> done()

  def set_cache_size(%State{} = state, megabytes: n) when is_integer(n) and n > 0, do: set_cache_size(state, -n * 1024)
  def set_cache_size(%State{} = state, kilobytes: n) when is_integer(n) and n > 0, do: set_cache_size(state, -n)

  @doc "The size of the cache: pages, or kibibytes as a negative number."
  def cache_size(%State{} = state), do: query(state, "PRAGMA cache_size")

  @doc "Copies the write-ahead log into the file: `:passive`, `:full`, `:restart` or `:truncate`."
  def wal_checkpoint(%State{} = state, mode \\ :passive) when mode in [:passive, :full, :restart, :truncate],
    do: query(state, "PRAGMA wal_checkpoint(#{mode})")

  @doc "Brings the planner's statistics up to date where it pays."
  def optimize(%State{} = state), do: state |> query("PRAGMA optimize") |> done()
  @doc "What is damaged in the file: `[[\"ok\"]]` if nothing is."
  def integrity_check(%State{} = state), do: query(state, "PRAGMA integrity_check")
  @doc "The same without comparing indexes with their tables."
  def quick_check(%State{} = state), do: query(state, "PRAGMA quick_check")
  @doc "The rows whose foreign keys lead nowhere."
  def foreign_key_check(%State{} = state), do: query(state, "PRAGMA foreign_key_check")
  @doc "How long a call waits for a lock."
  def busy_timeout(%State{} = state), do: query(state, "PRAGMA busy_timeout")
  @doc "How many bytes of the file may be mapped into memory."
  def mmap_size(%State{} = state), do: query(state, "PRAGMA mmap_size")
  @doc "Sets how many bytes of the file may be mapped into memory."
  def set_mmap_size(%State{} = state, bytes) when is_integer(bytes) and bytes >= 0,
    do: query(state, "PRAGMA mmap_size = #{bytes}")

  @doc "The size of a page."
  def page_size(%State{} = state), do: query(state, "PRAGMA page_size")
  @doc "Whether unused pages are given back: 0, 1 (full) or 2 (incremental)."
  def auto_vacuum(%State{} = state), do: query(state, "PRAGMA auto_vacuum")
  @doc "Where temporary tables are: 0 (default), 1 (files) or 2 (memory)."
  def temp_store(%State{} = state), do: query(state, "PRAGMA temp_store")

  @doc "Sets where temporary tables are."
  def set_temp_store(%State{} = state, store) when store in [:default, :file, :memory],
    do: state |> query("PRAGMA temp_store = #{store}") |> done()
end
