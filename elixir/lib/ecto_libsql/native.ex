defmodule EctoLibSql.Native do
  @moduledoc """
  The functions of a connection, on handles or on an `EctoLibSql.State`.

  Functions on handles return their value bare and `{:error, text}` on failure; those on a state return `{:ok, value}`.
  A wrong kind of argument raises `ArgumentError`. Every call runs on the thread of its connection while the caller
  waits for a message, so no scheduler of the VM is ever occupied.
  """

  alias EctoLibSql.{Arguments, Call, Error, Nif, Options, Query, Result, State}

  @behaviours [:deferred, :immediate, :exclusive, :read_only]
  @connect_timeout 30_000

  # -- on handles ---------------------------------------------------------------------------------------------------

  @doc "Opens a connection. Returns its handle."
  def connect(options, mode) when is_list(options) and is_atom(mode) do
    unless Keyword.keyword?(options), do: throw({:error, "expected keyword tuple: a list of options"})

    case mode do
      mode when mode in [:local, :remote, :remote_replica] -> open(Options.native(options, mode), mode)
      :unknown -> {:error, "Unknown mode"}
      _other -> {:error, "Invalid mode atom"}
    end
  catch
    {:error, _text} = error -> error
  end

  defp open(options, mode) do
    conn_id = Nif.new()

    case Call.run(conn_id, :open, {options}, @connect_timeout) do
      {:ok, nil, _in_transaction} ->
        conn_id

      {:error, reason} ->
        Call.close(conn_id)

        {:error,
         open_failure(mode) <>
           if(reason == :timeout, do: "Connection timeout after 30 seconds", else: Error.text(reason))}
    end
  end

  defp open_failure(:local), do: "Failed to connect: "
  defp open_failure(:remote_replica), do: "Failed to build DB: "
  defp open_failure(:remote), do: "Failed ping: "

  @doc "Asks whether the database answers."
  def ping(conn_id) do
    case Call.run(conn_id, :ping, {}) do
      {:ok, nil, _} -> true
      {:error, :gone} -> {:error, "Invalid connection ID"}
      {:error, reason} -> {:error, "Ping error: " <> Error.text(reason)}
    end
  end

  @doc "Closes what a handle is of: `:conn_id`, `:trx_id`, `:stmt_id` or `:cursor_id`."
  def close(id, :conn_id) do
    if Nif.owner(id) |> kind() == :connection and Call.close(id), do: :ok, else: {:error, "Connection not found"}
  end

  def close(id, :trx_id), do: drop(id, :transaction, "Transaction not found")
  def close(id, :stmt_id), do: drop(id, :statement, "Statement not found")
  def close(id, :cursor_id), do: drop(id, :cursor, "Cursor not found")
  def close(_id, _kind), do: {:error, "opt is incorrect"}

  defp drop(id, kind, missing) do
    with ^kind <- kind(Nif.owner(id)),
         {:ok, true, _} <- Call.run(id, :drop, {id}),
         do: :ok,
         else: (_ -> {:error, missing})
  end

  defp kind({kind, _connection}), do: kind
  defp kind(nil), do: nil

  @doc "Runs one statement, outside any transaction handle."
  def query_args(conn_id, _mode, _sync, sql, args), do: run_map(conn_id, sql, args, nil)

  @doc "Runs a PRAGMA."
  def pragma_query(conn_id, sql), do: run_map(conn_id, sql, [], nil, "PRAGMA query failed: ")

  defp run_map(conn_id, sql, args, trx_id, prefix \\ "") do
    case run(conn_id, sql, args, trx_id) do
      {:ok, columns, rows, changes, _rowid, _in_transaction} -> map(columns, rows, changes)
      {:error, reason} -> {:error, prefix <> Error.text(reason)}
    end
  end

  defp map(nil, _rows, changes), do: %{"columns" => [], "rows" => [], "num_rows" => changes}
  defp map(columns, rows, _changes), do: %{"columns" => columns, "rows" => rows, "num_rows" => length(rows)}

  @doc false
  # The one call that a query is: {:ok, columns, rows, changes, rowid, in_transaction} or {:error, reason}.
  def run(conn_id, sql, args, trx_id, options \\ []) do
    Call.run(
      conn_id,
      :run,
      {text(sql), encode(args), trx_id, options[:max_rows]},
      Keyword.get(options, :timeout, 15_000)
    )
    |> raise_argument()
  catch
    {:error, _text} = error -> error
  end

  defp text(sql) when is_binary(sql), do: sql
  defp text(sql), do: IO.iodata_to_binary(sql)

  defp encode({:named, _} = encoded), do: encoded
  defp encode(args), do: Arguments.encode(args)

  # What is wrong with named arguments is the caller's mistake.
  defp raise_argument({:error, {:argument, message}}), do: raise(ArgumentError, message)
  defp raise_argument(answer), do: answer

  @doc """
  Whether the text looks like one that returns rows. Only for callers that ask: statements themselves are asked what
  columns they have.

      iex> EctoLibSql.Native.should_use_query_path("/* all */ SELECT 1")
      true
      iex> EctoLibSql.Native.should_use_query_path("INSERT INTO t VALUES (1)")
      false
  """
  def should_use_query_path(sql) when is_binary(sql) do
    first_word(sql) in ~w(explain pragma select with) or sql =~ ~r/\sreturning\s/i
  end

  @doc "Copies to a replica what its primary has; of any other database there is nothing to copy."
  def do_sync(conn_id, :remote_replica) do
    case Call.run(conn_id, :sync, {nil}, @connect_timeout) do
      {:ok, _report, _} -> {:ok, "success sync"}
      {:error, :gone} -> {:error, "Connection not found"}
      {:error, reason} -> {:error, sync_failure("Sync", reason)}
    end
  end

  def do_sync(_conn_id, mode) when is_atom(mode), do: {:ok, "success sync"}

  defp sync_failure(what, reason) when reason in [:timeout, :stuck], do: what <> " timeout after 30 seconds"
  defp sync_failure(what, %{code: :timeout}), do: what <> " timeout after 30 seconds"
  defp sync_failure(what, reason), do: what <> " error: " <> Error.text(reason)

  @doc "Begins a deferred transaction. Returns its handle."
  def begin_transaction(conn_id), do: begin_transaction_with_behavior(conn_id, :deferred)

  @doc "Begins a transaction: `:deferred`, `:immediate`, `:exclusive` or `:read_only`."
  def begin_transaction_with_behavior(conn_id, behaviour) when behaviour in @behaviours do
    case Call.run(conn_id, :begin, {behaviour}) do
      {:ok, trx_id, _} -> trx_id
      {:error, reason} -> {:error, prefixed("Begin failed: ", reason)}
    end
  end

  def begin_transaction_with_behavior(_conn_id, other) do
    {:error,
     "Invalid transaction behavior: #{if is_atom(other), do: other, else: inspect(other)}. " <>
       "Use :deferred, :immediate, :exclusive, or :read_only"}
  end

  # Handles that lead nowhere are told as they are; only what the engine says gets a prefix.
  defp prefixed(prefix, %{} = reason), do: prefix <> Error.text(reason)
  defp prefixed(_prefix, reason), do: Error.text(reason)

  @doc "Runs one statement in a transaction. Returns the rows it changed."
  def execute_with_transaction(trx_id, conn_id, sql, args) when is_binary(trx_id) do
    case run(conn_id, sql, args, trx_id) do
      {:ok, nil, _rows, changes, _rowid, _} -> changes
      {:ok, _columns, rows, _changes, _rowid, _} -> length(rows)
      {:error, reason} -> {:error, prefixed("Execute failed: ", reason)}
    end
  end

  @doc "Runs one statement in a transaction. Returns its rows."
  def query_with_trx_args(trx_id, conn_id, sql, args) when is_binary(trx_id) do
    case run(conn_id, sql, args, trx_id) do
      {:ok, columns, rows, changes, _rowid, _} -> map(columns, rows, changes)
      {:error, :gone} -> {:error, "Connection not found"}
      {:error, reason} -> {:error, prefixed("Query failed: ", reason)}
    end
  end

  @doc "`:ok` if the transaction is open."
  def handle_status_transaction(trx_id) do
    if Nif.in_transaction(trx_id) and kind(Nif.owner(trx_id)) == :transaction,
      do: :ok,
      else: {:error, "Transaction not found"}
  end

  @doc "Ends a transaction: `\"commit\"`, or anything else to roll back. One that cannot commit now stays open."
  def commit_or_rollback_transaction(trx_id, conn_id, _mode, _sync, what) when is_binary(trx_id) do
    {operation, name} = if what == "commit", do: {:commit, "commit"}, else: {:rollback, "rollback"}

    case Call.run(conn_id, operation, {trx_id}) do
      {:ok, nil, _} -> {:ok, "#{name} success"}
      {:error, reason} -> {:error, prefixed("TOKIO_RUNTIME ERR #{String.capitalize(name)} error: ", reason)}
    end
  end

  @doc "Sets a savepoint in a transaction."
  def savepoint(conn_id, trx_id, name), do: mark(conn_id, trx_id, name, "SAVEPOINT", "Savepoint failed: ")

  @doc "Removes a savepoint and keeps what was done since."
  def release_savepoint(conn_id, trx_id, name), do: mark(conn_id, trx_id, name, "RELEASE", "Release savepoint failed: ")

  @doc "Undoes what was done since a savepoint, which stays."
  def rollback_to_savepoint(conn_id, trx_id, name),
    do: mark(conn_id, trx_id, name, "ROLLBACK TO", "Rollback to savepoint failed: ")

  defp mark(conn_id, trx_id, name, words, prefix) when is_binary(trx_id) and is_binary(name) do
    if name =~ ~r/\A[A-Za-z_][A-Za-z0-9_]*\z/ do
      case run(conn_id, ~s(#{words} "#{name}"), [], trx_id) do
        {:ok, _, _, _, _, _} -> :ok
        {:error, reason} -> {:error, prefixed(prefix, reason)}
      end
    else
      {:error, "Invalid savepoint name: must be a valid SQL identifier"}
    end
  end

  @doc "Compiles a statement. Returns its handle."
  def prepare_statement(conn_id, sql) do
    case Call.run(conn_id, :prepare, {sql}) do
      {:ok, stmt_id, _} -> stmt_id
      {:error, reason} -> {:error, prefixed("Prepare failed: ", reason)}
    end
  end

  @doc "Runs a compiled statement. Returns its rows."
  def query_prepared(conn_id, stmt_id, _mode, _sync, args) do
    case run_prepared(conn_id, stmt_id, args) do
      {:ok, columns, rows, changes, _rowid, _} -> map(columns, rows, changes)
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "Runs a compiled statement. Returns the rows it changed."
  def execute_prepared(conn_id, stmt_id, _mode, _sync, _sql_hint, args) do
    case run_prepared(conn_id, stmt_id, args) do
      {:ok, nil, _rows, changes, _rowid, _} -> changes
      {:ok, _columns, rows, _changes, _rowid, _} -> length(rows)
      {:error, reason} -> {:error, prefixed("Execute failed: ", reason)}
    end
  end

  @doc false
  def run_prepared(conn_id, stmt_id, args, timeout \\ 15_000) when is_binary(stmt_id) do
    Call.run(conn_id, :run_statement, {stmt_id, encode(args)}, timeout) |> raise_argument()
  catch
    {:error, _text} = error -> error
  end

  @doc "Makes a compiled statement ready for its next run, and forgets its arguments."
  def reset_statement(conn_id, stmt_id), do: done(Call.run(conn_id, :reset_statement, {stmt_id}))

  @doc "How many columns the rows of a statement have."
  def statement_column_count(conn_id, stmt_id), do: count(Call.run(conn_id, :statement_columns, {stmt_id}))

  @doc "How many parameters a statement has."
  def statement_parameter_count(conn_id, stmt_id), do: count(Call.run(conn_id, :statement_parameters, {stmt_id}))

  defp count({:ok, list, _}), do: length(list)
  defp count({:error, reason}), do: {:error, Error.text(reason)}

  @doc "The name of a column, counted from 0."
  def statement_column_name(conn_id, stmt_id, index) when is_integer(index) and index >= 0 do
    with {:ok, columns, _} <- Call.run(conn_id, :statement_columns, {stmt_id}) do
      case Enum.at(columns, index) do
        nil -> {:error, "Column index #{index} out of bounds (statement has #{length(columns)} columns)"}
        column -> elem(column, 0)
      end
    else
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "The name of a parameter, counted from 1, with its prefix; nil if it has none."
  def statement_parameter_name(conn_id, stmt_id, index) when is_integer(index) and index >= 0 do
    case Call.run(conn_id, :statement_parameters, {stmt_id}) do
      {:ok, _names, _} when index == 0 -> nil
      {:ok, names, _} -> Enum.at(names, index - 1)
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "The columns of a statement as `{name, origin name, declared type or nil}`."
  def get_statement_columns(conn_id, stmt_id) do
    case Call.run(conn_id, :statement_columns, {stmt_id}) do
      {:ok, columns, _} -> for {name, origin, type, _table, _database} <- columns, do: {name, origin, type}
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "Runs statements in order, each by itself, until one fails."
  def execute_batch(conn_id, _mode, _sync, statements), do: run_batch(conn_id, statements, false)

  @doc "Runs statements in one transaction: all or none."
  def execute_transactional_batch(conn_id, _mode, _sync, statements), do: run_batch(conn_id, statements, true)

  defp run_batch(conn_id, statements, together) when is_list(statements) do
    pairs =
      Enum.map(statements, fn
        {sql, args} -> {text(sql), encode(args)}
        other -> throw({:error, "Failed to decode statement: #{inspect(other)}"})
      end)

    case Call.run(conn_id, :batch, {pairs, together}, :infinity) do
      {:ok, results, _} ->
        Enum.map(results, fn {columns, rows, changes, _rowid} -> batch_map(columns, rows, changes) end)

      {:error, reason} ->
        {:error, prefixed("Batch statement error: ", reason)}
    end
  catch
    {:error, _text} = error -> error
  end

  # What returns no rows has none: the published package counts the rows of a batch only.
  defp batch_map(nil, _rows, _changes), do: %{"columns" => [], "rows" => [], "num_rows" => 0}
  defp batch_map(columns, rows, changes), do: map(columns, rows, changes)

  @doc "Runs the statements of a text in order. Returns for each its rows, or nil if it returns none."
  def execute_batch_native(conn_id, sql), do: run_script(conn_id, sql, false, "batch failed: ")

  @doc "The same in one transaction."
  def execute_transactional_batch_native(conn_id, sql),
    do: run_script(conn_id, sql, true, "transactional batch failed: ")

  defp run_script(conn_id, sql, together, prefix) do
    case Call.run(conn_id, :script, {sql, together}, :infinity) do
      {:ok, results, _} ->
        Enum.map(results, fn {columns, rows, changes, _} -> columns && map(columns, rows, changes) end)

      {:error, reason} ->
        {:error, prefixed(prefix, reason)}
    end
  end

  @doc "Starts a query whose rows are fetched in chunks. Returns the cursor's handle."
  def declare_cursor(conn_id, sql, args), do: declare(conn_id, sql, args, nil)

  @doc "The same in a transaction (`:transaction`) or outside (`:connection`)."
  def declare_cursor_with_context(conn_id, trx_id, :transaction, sql, args), do: declare(conn_id, sql, args, trx_id)
  def declare_cursor_with_context(conn_id, conn_id, :connection, sql, args), do: declare(conn_id, sql, args, nil)

  def declare_cursor_with_context(_conn_id, _other, :connection, _sql, _args),
    do: {:error, "Connection ID mismatch: provided conn_id does not match cursor connection ID"}

  def declare_cursor_with_context(_conn_id, _id, _kind, _sql, _args), do: {:error, "Invalid id_type for cursor"}

  defp declare(conn_id, sql, args, trx_id) do
    case declare_call(conn_id, sql, args, trx_id, 15_000) do
      {:ok, cursor_id, _} -> cursor_id
      {:error, reason} -> {:error, prefixed("Query failed: ", reason)}
    end
  end

  @doc false
  def declare_call(conn_id, sql, args, trx_id, timeout) do
    Call.run(conn_id, :declare_cursor, {text(sql), encode(args), trx_id}, timeout) |> raise_argument()
  catch
    {:error, _text} = error -> error
  end

  # A chunk ends early when its rows take this much.
  @chunk_bytes 4 * 1024 * 1024

  @doc "The next rows of a cursor: `{columns, rows, count}`, with count 0 at the end."
  def fetch_cursor(conn_id, cursor_id, max_rows) when is_binary(cursor_id) and is_integer(max_rows) and max_rows >= 0 do
    case fetch_call(conn_id, cursor_id, max_rows, 15_000) do
      {:ok, {columns, rows, count, _finished}, _} -> {columns, rows, count}
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc false
  def fetch_call(conn_id, cursor_id, max_rows, timeout),
    do: Call.run(conn_id, :fetch_cursor, {cursor_id, max_rows, @chunk_bytes}, timeout)

  @doc "The rowid that was inserted last."
  def last_insert_rowid(conn_id), do: counter(conn_id, :last_insert_rowid)
  @doc "The rows that the last INSERT, UPDATE or DELETE changed."
  def changes(conn_id), do: counter(conn_id, :changes)
  @doc "The rows changed by all statements of the connection."
  def total_changes(conn_id), do: counter(conn_id, :total_changes)
  @doc "Whether no transaction is open."
  def is_autocommit(conn_id), do: counter(conn_id, :is_autocommit)

  defp counter(conn_id, name) do
    case Call.run(conn_id, :counters, {}) do
      {:ok, counters, _} -> Map.fetch!(counters, name)
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "How long a call waits for a lock, in milliseconds."
  def set_busy_timeout(conn_id, ms) when is_integer(ms) and ms >= 0 do
    done(Call.run(conn_id, :busy_timeout, {ms}), "busy_timeout failed: ")
  end

  def set_busy_timeout(_conn_id, ms) do
    raise ArgumentError, "a busy timeout is a number of milliseconds, 0 or more, got: #{inspect(ms)}"
  end

  @doc "Rolls back what is open, and ends the statements and cursors of the connection."
  def reset_connection(conn_id), do: done(Call.run(conn_id, :reset, {false}))

  @doc "Ends the call that the connection runs now, whichever process waits for it."
  def interrupt_connection(conn_id) do
    if Nif.interrupt(conn_id), do: :ok, else: {:error, "Invalid connection ID"}
  end

  @doc "Checks that extensions can be loaded. `load_extension/3` allows them for its own call alone."
  def enable_load_extension(conn_id, true),
    do: done(Call.run(conn_id, :can_load_extensions, {}), "Failed to enable extension loading: ")

  def enable_load_extension(conn_id, false),
    do: done(Call.run(conn_id, :ping, {}), "Failed to disable extension loading: ")

  @doc "Loads an extension from a file."
  def load_extension(conn_id, path, entry \\ nil) when is_binary(path) do
    case Call.run(conn_id, :load_extension, {path, entry}) do
      {:error, %{code: :unsupported}} ->
        {:error, "Failed to load extension: Loading extension is only supported in local databases."}

      answer ->
        done(answer, "Failed to load extension: ")
    end
  end

  defp done(answer, prefix \\ "")
  defp done({:ok, _value, _in_transaction}, _prefix), do: :ok
  defp done({:error, reason}, prefix), do: {:error, prefixed(prefix, reason)}

  @doc "Not here: see `EctoLibSql.Hooks`."
  def set_update_hook(_conn_id, _pid), do: {:error, :unsupported}
  @doc "Not here: see `EctoLibSql.Hooks`."
  def clear_update_hook(_conn_id), do: {:error, :unsupported}
  @doc "Not here: see `EctoLibSql.Hooks`."
  def set_authorizer(_conn_id, _pid), do: {:error, :unsupported}

  # -- replication: of a database that is no replica there is nothing to tell -----------------------------------------

  @doc "The frame up to which a replica has come; 0 if none, and of any other database."
  def get_frame_number(conn_id), do: frame(conn_id, 0)
  @doc "As `get_frame_number/1`: every sync ends with all that it received written out."
  def flush_replicator(conn_id), do: frame(conn_id, 0)
  @doc "The greatest frame that a write through this replica has got; 0 if none."
  def max_write_replication_index(conn_id), do: frame(conn_id, 1)

  defp frame(conn_id, which) do
    case Call.run(conn_id, :frames, {}) do
      {:ok, frames, _} -> elem(frames, which) || 0
      {:error, %{code: :unsupported}} -> 0
      {:error, :gone} -> {:error, "Connection not found"}
      {:error, reason} -> {:error, prefixed("replication_index failed: ", reason)}
    end
  end

  @doc "Synchronises a replica until it has a frame."
  def sync_until(conn_id, frame) when is_integer(frame) and frame >= 0 do
    case Call.run(conn_id, :sync, {frame}, @connect_timeout) do
      {:ok, _report, _} ->
        :ok

      {:error, %{code: :unsupported, mode: mode}} ->
        {:error, "sync_until failed: Sync is not supported in databases opened in #{mode} mode."}

      {:error, reason} when reason in [:timeout, :stuck] ->
        {:error, "sync_until timed out after 30 seconds"}

      {:error, :gone} ->
        {:error, "Connection not found"}

      {:error, reason} ->
        {:error, prefixed("sync_until failed: ", reason)}
    end
  end

  @doc "Not here, as in the published package: see `EctoLibSql.freeze/1`."
  def freeze_database(conn_id) when is_binary(conn_id) do
    if Nif.exists(conn_id), do: :unsupported, else: {:error, "Connection not found"}
  end

  # -- on a state -----------------------------------------------------------------------------------------------------

  @doc "Begins a transaction. `behavior:` is `:deferred` (default), `:immediate`, `:exclusive` or `:read_only`."
  def begin(%State{} = state, options \\ []) do
    case begin_transaction_with_behavior(state.conn_id, Keyword.get(options, :behavior, :deferred)) do
      {:error, _text} = error -> error
      trx_id -> {:ok, %{state | trx_id: trx_id}}
    end
  end

  @doc "Commits the transaction of a state."
  def commit(%State{} = state), do: end_transaction(state, "commit")
  @doc "Rolls the transaction of a state back."
  def rollback(%State{} = state), do: end_transaction(state, "rollback")

  defp end_transaction(%State{trx_id: nil}, what), do: raise(ArgumentError, "there is no transaction to #{what}")

  defp end_transaction(state, what),
    do: commit_or_rollback_transaction(state.trx_id, state.conn_id, state.mode, state.sync, what)

  @doc "Sets a savepoint."
  def create_savepoint(%State{trx_id: nil}, _name),
    do: {:error, "No active transaction - cannot create savepoint outside transaction"}

  def create_savepoint(%State{} = state, name), do: savepoint(state.conn_id, state.trx_id, name)

  @doc "Removes a savepoint and keeps what was done since."
  def release_savepoint_by_name(%State{trx_id: nil}, _name), do: {:error, "No active transaction"}
  def release_savepoint_by_name(%State{} = state, name), do: release_savepoint(state.conn_id, state.trx_id, name)

  @doc "Undoes what was done since a savepoint."
  def rollback_to_savepoint_by_name(%State{trx_id: nil}, _name), do: {:error, "No active transaction"}

  def rollback_to_savepoint_by_name(%State{} = state, name),
    do: rollback_to_savepoint(state.conn_id, state.trx_id, name)

  @doc "Compiles a statement."
  def prepare(%State{} = state, sql), do: ok(prepare_statement(state.conn_id, sql))

  @doc "Runs a compiled statement. Returns the rows it changed, or an `EctoLibSql.Result` if it returns rows."
  def execute_stmt(%State{} = state, stmt_id, _sql \\ nil, args) do
    case run_prepared(state.conn_id, stmt_id, args) do
      {:ok, nil, _rows, changes, _rowid, _} ->
        {:ok, changes}

      {:ok, columns, rows, _, _, _} ->
        {:ok, %Result{command: :select, columns: columns, rows: rows, num_rows: length(rows)}}

      {:error, reason} ->
        {:error, prefixed("Execute failed: ", reason)}
    end
  end

  @doc "Runs a compiled statement. Returns its rows."
  def query_stmt(%State{} = state, stmt_id, args) do
    case run_prepared(state.conn_id, stmt_id, args) do
      {:ok, nil, _rows, changes, _rowid, _} ->
        {:ok, %Result{command: :select, columns: [], rows: [], num_rows: changes}}

      {:ok, columns, rows, _, _, _} ->
        {:ok, %Result{command: :select, columns: columns, rows: rows, num_rows: length(rows)}}

      {:error, reason} ->
        {:error, Error.text(reason)}
    end
  end

  @doc "Ends a compiled statement."
  def close_stmt(stmt_id) when is_binary(stmt_id), do: close(stmt_id, :stmt_id)

  @doc "Makes a compiled statement ready for its next run."
  def reset_stmt(%State{} = state, stmt_id), do: reset_statement(state.conn_id, stmt_id)

  @doc "How many columns a statement's rows have."
  def stmt_column_count(%State{} = state, stmt_id), do: ok(statement_column_count(state.conn_id, stmt_id))
  @doc "How many parameters a statement has."
  def stmt_parameter_count(%State{} = state, stmt_id), do: ok(statement_parameter_count(state.conn_id, stmt_id))

  @doc "The name of a column, counted from 0."
  def stmt_column_name(%State{} = state, stmt_id, index) when is_integer(index) and index >= 0,
    do: ok(statement_column_name(state.conn_id, stmt_id, index))

  @doc "The name of a parameter, counted from 1, with its prefix, or nil."
  def stmt_parameter_name(%State{} = state, stmt_id, index) when is_integer(index) and index >= 1,
    do: ok(statement_parameter_name(state.conn_id, stmt_id, index))

  @doc "The names of all parameters, nil where one has none."
  def stmt_parameter_names(%State{} = state, stmt_id) do
    case Call.run(state.conn_id, :statement_parameters, {stmt_id}) do
      {:ok, names, _} -> {:ok, names}
      {:error, reason} -> {:error, Error.text(reason)}
    end
  end

  @doc "The columns of a statement as `{name, origin name, declared type or nil}`."
  def get_stmt_columns(%State{} = state, stmt_id), do: ok(get_statement_columns(state.conn_id, stmt_id))

  defp ok({:error, _} = error), do: error
  defp ok(value), do: {:ok, value}

  @doc "Runs `{sql, args}` pairs in order, each by itself. What ran before a failure stays."
  def batch(%State{} = state, statements), do: results(execute_batch(state.conn_id, state.mode, state.sync, statements))

  @doc "The same in one transaction: all or none."
  def batch_transactional(%State{} = state, statements),
    do: results(execute_transactional_batch(state.conn_id, state.mode, state.sync, statements))

  defp results({:error, _} = error), do: error

  defp results(maps) do
    {:ok,
     for map <- maps do
       %Result{command: :batch, columns: map["columns"], rows: map["rows"], num_rows: map["num_rows"]}
     end}
  end

  @doc "Runs the statements of a text. Returns a map or nil for each."
  def execute_batch_sql(%State{} = state, sql), do: ok(execute_batch_native(state.conn_id, sql))
  @doc "The same in one transaction."
  def execute_transactional_batch_sql(%State{} = state, sql),
    do: ok(execute_transactional_batch_native(state.conn_id, sql))

  @doc "How long a call waits for a lock, in milliseconds."
  def busy_timeout(%State{} = state, ms \\ 5_000) when is_integer(ms) and ms >= 0,
    do: set_busy_timeout(state.conn_id, ms)

  @doc "Rolls back what is open, and ends statements and cursors."
  def reset(%State{} = state), do: reset_connection(state.conn_id)
  @doc "Ends the call that the connection runs now. From any process."
  def interrupt(%State{} = state), do: interrupt_connection(state.conn_id)
  @doc "See `enable_load_extension/2`."
  def enable_extensions(%State{} = state, on) when is_boolean(on), do: enable_load_extension(state.conn_id, on)
  @doc "Loads an extension from a file."
  def load_ext(%State{} = state, path, entry \\ nil), do: load_extension(state.conn_id, path, entry)

  @doc "Not here: see `EctoLibSql.Hooks`."
  def add_update_hook(%State{}, _pid \\ self()), do: {:error, :unsupported}
  @doc "Not here: see `EctoLibSql.Hooks`."
  def remove_update_hook(%State{}), do: {:error, :unsupported}
  @doc "Not here: see `EctoLibSql.Hooks`."
  def add_authorizer(%State{}, _pid \\ self()), do: {:error, :unsupported}

  @doc "The rowid that was inserted last."
  def get_last_insert_rowid(%State{} = state), do: last_insert_rowid(state.conn_id)
  @doc "The rows that the last INSERT, UPDATE or DELETE changed."
  def get_changes(%State{} = state), do: changes(state.conn_id)
  @doc "The rows changed by all statements of the connection."
  def get_total_changes(%State{} = state), do: total_changes(state.conn_id)
  @doc "Whether no transaction is open."
  def get_is_autocommit(%State{} = state), do: is_autocommit(state.conn_id)

  @doc "Synchronises a replica; of any other database there is nothing to synchronise."
  def sync(%State{} = state), do: do_sync(state.conn_id, state.mode)
  @doc "See `get_frame_number/1`. Takes a state or a connection's handle."
  def get_frame_number_for_replica(of), do: ok(get_frame_number(conn_id(of)))
  @doc "See `flush_replicator/1`. Takes a state or a connection's handle."
  def flush_and_get_frame(of), do: ok(flush_replicator(conn_id(of)))
  @doc "See `max_write_replication_index/1`. Takes a state or a connection's handle."
  def get_max_write_frame(of), do: ok(max_write_replication_index(conn_id(of)))
  @doc "See `sync_until/2`. Takes a state or a connection's handle."
  def sync_until_frame(of, frame), do: sync_until(conn_id(of), frame)
  @doc "Not here, as in the published package: see `EctoLibSql.freeze/1`."
  def freeze_replica(_of), do: {:error, :unsupported}

  defp conn_id(%State{conn_id: conn_id}), do: conn_id
  defp conn_id(conn_id), do: conn_id

  @doc """
  The text of a vector.

      iex> EctoLibSql.Native.vector([1, 2.5])
      "[1,2.5]"
  """
  def vector(list) when is_list(list), do: EctoLibSql.Vector.vector(list)

  @doc "The column type of a vector of 32-bit (`:f32`) or 64-bit (`:f64`) floats."
  def vector_type(dimensions, type \\ :f32) when is_integer(dimensions) and dimensions > 0 do
    unless type in [:f32, :f64], do: raise(ArgumentError, "type must be :f32 or :f64")
    EctoLibSql.Vector.vector_type(dimensions, type)
  end

  @doc "SQL for the cosine distance of a column and a vector."
  def vector_distance_cos(column, vector), do: EctoLibSql.Vector.distance_cos(column, vector)

  @doc """
  The command that a statement's first word stands for.

      iex> EctoLibSql.Native.detect_command("-- all\\n SELECT 1")
      :select
      iex> EctoLibSql.Native.detect_command("DROP TABLE t")
      :create
      iex> EctoLibSql.Native.detect_command("VACUUM")
      :unknown
  """
  def detect_command(sql) when is_binary(sql) do
    case first_word(sql) do
      word when word in ~w(select with) -> :select
      word when word in ~w(create drop alter) -> :create
      "insert" -> :insert
      "update" -> :update
      "delete" -> :delete
      "begin" -> :begin
      "commit" -> :commit
      "rollback" -> :rollback
      "pragma" -> :pragma
      _other -> :unknown
    end
  end

  def detect_command(_other), do: :unknown

  defp first_word(<<blank, rest::binary>>) when blank in ' \t\r\n\f', do: first_word(rest)

  defp first_word("--" <> rest) do
    case :binary.split(rest, "\n") do
      [_comment, rest] -> first_word(rest)
      [_comment] -> ""
    end
  end

  defp first_word("/*" <> rest) do
    case :binary.split(rest, "*/") do
      [_comment, rest] -> first_word(rest)
      [_comment] -> ""
    end
  end

  defp first_word(sql), do: sql |> word(0) |> String.downcase(:ascii)

  defp word(sql, size) do
    case sql do
      <<word::binary-size(size), c, _::binary>> when c in ' \t\r\n(;' -> word
      <<_::binary-size(size), _, _::binary>> -> word(sql, size + 1)
      word -> word
    end
  end

  @doc "Runs a query outside or inside the state's transaction, as `EctoLibSql.handle_execute/4` does."
  def query(%State{} = state, %Query{} = query, args), do: EctoLibSql.handle_execute(query, args, [], state)
  def query(%Query{} = query, %State{} = state, args), do: query(state, query, args)

  @doc "The same for a statement that is not to use the state's transaction handle."
  def execute_non_trx(%Query{} = query, %State{} = state, args),
    do: EctoLibSql.handle_execute(query, args, [], %{state | trx_id: nil})

  def execute_non_trx(%State{} = state, %Query{} = query, args), do: execute_non_trx(query, state, args)

  @doc "The same for one in the state's transaction."
  def execute_with_trx(%State{} = state, %Query{} = query, args), do: EctoLibSql.handle_execute(query, args, [], state)
  def execute_with_trx(%Query{} = query, %State{} = state, args), do: execute_with_trx(state, query, args)

  @doc "Arguments in the order of the statement's parameters, from a list, a map or a keyword list."
  def normalise_arguments(conn_id, sql, args) do
    case encode(args) do
      {:named, named} ->
        case Call.run(conn_id, :prepare, {sql}) do
          {:ok, stmt_id, _} -> by_position(conn_id, stmt_id, named)
          {:error, reason} -> {:error, Error.text(reason)}
        end

      list ->
        list
    end
  catch
    {:error, _text} -> {:error, "arguments must be a list or map"}
  end

  @doc "The same for a compiled statement."
  def normalise_arguments_for_stmt(conn_id, stmt_id, args) do
    case encode(args) do
      {:named, named} -> by_position(conn_id, stmt_id, named)
      list -> list
    end
  catch
    {:error, _text} -> {:error, "arguments must be a list or map"}
  end

  defp by_position(conn_id, stmt_id, named) do
    case Call.run(conn_id, :statement_parameters, {stmt_id}) do
      {:ok, names, _} ->
        given = Map.new(named, fn {name, value} -> {bare(name), value} end)
        missing = for name <- names, not Map.has_key?(given, bare(name)), do: name

        if missing != [] do
          raise ArgumentError,
                "Missing required parameters: #{Enum.join(missing, ", ")}. SQL requires: #{Enum.join(names, ", ")}"
        end

        Enum.map(names, &Map.fetch!(given, bare(&1)))

      {:error, reason} ->
        {:error, Error.text(reason)}
    end
  end

  defp bare(<<prefix, name::binary>>) when prefix in ':@$', do: name
  defp bare(name), do: name

  @doc "Closes what a handle is of."
  def close_conn(id, kind, %State{} = state) do
    case close(id, kind) do
      :ok -> :ok
      {:error, text} -> {:error, text, state}
    end
  end

  @doc "Forgets nothing: there is no cache of parameter names, statements know them."
  def clear_param_cache, do: :ok
  @doc "Always 0: see `clear_param_cache/0`."
  def param_cache_size, do: 0
end
