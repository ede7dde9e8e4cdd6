defmodule EctoLibSql do
  @moduledoc """
  A driver for libSQL and SQLite databases: files of this machine, and databases on servers.

      {:ok, state} = EctoLibSql.connect(database: "app.db")
      {:ok, _query, _result, state} = EctoLibSql.handle_execute("CREATE TABLE t (a)", [], [], state)
      {:ok, _query, _result, state} = EctoLibSql.handle_execute("INSERT INTO t VALUES (?)", [1], [], state)
      {:ok, _query, result, state} = EctoLibSql.handle_execute("SELECT a FROM t WHERE a = :a", [a: 1], [], state)
      result.rows
      #=> [[1]]
      :ok = EctoLibSql.disconnect([], state)

  The functions named `handle_...` are what `DBConnection` calls of a driver; programs can call them as well.

  ## Options of `connect/1`

    * `:database` - a path, `":memory:"` or `:memory` (a database of this connection alone), or a `file:` URI. Missing
      folders are created.
    * `:uri`, `:auth_token` - a database on a server; a server that wants no token gets `""`
    * all of `:database`, `:uri`, `:auth_token` and `:sync` - a replica: `:database` is its file, which follows the
      server's; reads are local, writes go to the server. `:read_your_writes` (true), `:sync_interval` in milliseconds
    * `:busy_timeout` - how long to wait for a lock, in milliseconds (5000)
    * `:encryption_key` - the key of an encrypted file (AES-256-CBC, as libSQL has it), or
      `encryption: [cipher: :chacha20, key: key]`
    * `:open_flags` - of `[:readonly, :readwrite, :create]`
    * `:mvcc` - the writers of this VM stand in one line, first come, first served. (SQLite has one writer at a time.)
    * `:vfs`, `:statement_cache_bytes`, `:load_extensions`, `:extension_directories`
    * `:journal_mode`, `:synchronous`, `:foreign_keys`, `:cache_size`, `:temp_store`, ..., `:custom_pragmas`
    * `:remote_encryption_key`, `:namespace`, `tls: [cacertfile: path, verify: :verify_none]` - for servers
    * `:default_transaction_mode` - how `handle_begin/2` begins (`:deferred`)
    * `:chunk_size` - the rows of one chunk of a cursor (500)
    * `:log_timing` - logs each statement with its time at this level, such as `:debug`

  ## Timeouts

  Every call takes `timeout:` in its options, in milliseconds (15000) or `:infinity`. A statement that takes longer is
  ended within some milliseconds, wherever it is: in the engine, waiting for a lock, or waiting for a server.
  """

  alias EctoLibSql.{Call, Error, Native, Nif, Query, Result, State, Timing}

  # -- what DBConnection calls ---------------------------------------------------------------------------------------

  @doc "Opens a connection."
  def connect(options) do
    mode = State.detect_mode(options)

    case Native.connect(options, mode) do
      {:error, _text} = error ->
        error

      conn_id ->
        {:ok,
         %State{
           conn_id: conn_id,
           mode: mode,
           sync: State.detect_sync(options),
           default_transaction_mode: Keyword.get(options, :default_transaction_mode, :deferred),
           chunk_size: Keyword.get(options, :chunk_size, 500),
           log_timing: Keyword.get(options, :log_timing, false)
         }}
    end
  end

  @doc "Closes a connection: what it still runs is ended, what is not committed is rolled back."
  def disconnect(_reason, %State{conn_id: conn_id}) do
    Call.close(conn_id)
    :ok
  end

  @doc "Asks whether the database answers."
  def ping(%State{} = state) do
    case Native.ping(state.conn_id) do
      true -> {:ok, state}
      {:error, _text} -> {:disconnect, :ping_failed, state}
    end
  end

  @doc "Asks nothing of the database: what is wrong shows with the first statement."
  def checkout(%State{} = state) do
    if Nif.exists(state.conn_id),
      do: {:ok, state},
      else: {:disconnect, Error.from_reason(:gone), state}
  end

  @doc "There is nothing to prepare: the connection has a cache of compiled statements."
  def handle_prepare(%Query{} = query, _options, %State{} = state), do: {:ok, query, state}

  @doc "See `handle_prepare/3`."
  def handle_close(_query, _options, %State{} = state), do: {:ok, %Result{}, state}

  @doc """
  Runs one statement, with a list, a keyword list or a map of arguments.
  """
  def handle_execute(query, args, options, %State{} = state) do
    sql = if is_struct(query, Query), do: query.statement, else: query
    started = System.monotonic_time()
    answer = Native.run(state.conn_id, sql, args, state.trx_id, timeout: Keyword.get(options, :timeout, 15_000))
    Timing.finished(sql, started, answer, state)

    case answer do
      {:ok, columns, rows, changes, _rowid, _in_transaction} ->
        {:ok, query(query), result(sql, columns, rows, changes), state}

      {:error, reason} ->
        failed(reason, IO.iodata_to_binary(sql), state)
    end
  end

  defp query(%Query{} = query), do: query
  defp query(sql), do: %Query{statement: sql}

  defp result(_sql, columns, rows, _changes) when is_list(columns),
    do: %Result{command: nil, columns: columns, rows: rows, num_rows: length(rows)}

  defp result(sql, nil, _rows, changes) do
    case Native.detect_command(IO.iodata_to_binary(sql)) do
      command when command in [:insert, :update, :delete] -> %Result{command: command, num_rows: changes}
      :select -> %Result{columns: [], rows: [], num_rows: changes}
      command -> %Result{command: command, columns: [], rows: [], num_rows: changes}
    end
  end

  defp failed(reason, sql, state) do
    error = Error.from_reason(reason, sql)
    if error.disconnect, do: Nif.interrupt(state.conn_id)
    if error.disconnect, do: {:disconnect, error, state}, else: {:error, error, state}
  end

  @doc """
  Begins a transaction, as `mode:` says: `:deferred`, `:immediate`, `:exclusive`, `:read_only`, or `:savepoint` for one
  inside the open one.
  """
  def handle_begin(options, %State{} = state) do
    case Keyword.get(options, :mode, state.default_transaction_mode) do
      :savepoint -> begin_savepoint(state)
      mode -> begin_transaction(mode, options, state)
    end
  end

  defp begin_transaction(mode, options, state) when mode in [:deferred, :immediate, :exclusive, :read_only] do
    case Call.run(state.conn_id, :begin, {mode}, Keyword.get(options, :timeout, 15_000)) do
      {:ok, trx_id, _} -> {:ok, :begin, %{state | trx_id: trx_id, savepoints: 0}}
      {:error, reason} -> ended(Error.from_reason(reason, nil, "Begin failed: "), state)
    end
  end

  defp begin_transaction(mode, _options, _state) do
    raise ArgumentError,
          "option :mode cannot be #{inspect(mode)}; allowed: :deferred, :immediate, :exclusive, :read_only, :savepoint"
  end

  defp begin_savepoint(%State{trx_id: nil} = state),
    do: {:error, Error.from_reason("no active transaction for a savepoint"), state}

  defp begin_savepoint(state) do
    with_savepoint("SAVEPOINT", state.savepoints + 1, state, &%{&1 | savepoints: &1.savepoints + 1}, :begin)
  end

  defp with_savepoint(words, number, state, change, answer) do
    sql = ~s(#{words} "ecto_libsql_#{number}")

    case Native.run(state.conn_id, sql, [], state.trx_id) do
      {:ok, _, _, _, _, _} -> {:ok, answer, change.(state)}
      {:error, reason} -> ended(Error.from_reason(reason, sql), state)
    end
  end

  defp ended(%Error{disconnect: true} = error, state), do: {:disconnect, error, state}
  defp ended(error, state), do: {:error, error, state}

  @doc """
  Commits the transaction, or the innermost savepoint that `handle_begin/2` has set.

  One that cannot commit now (`:busy`, or a foreign key that is still broken) stays open, to be committed again or rolled
  back.
  """
  def handle_commit(options, state)

  def handle_commit(_options, %State{trx_id: nil} = state),
    do: {:error, %RuntimeError{message: "no active transaction"}, state}

  def handle_commit(_options, %State{savepoints: number} = state) when number > 0,
    do: with_savepoint("RELEASE", number, state, &%{&1 | savepoints: number - 1}, %Result{})

  def handle_commit(options, %State{} = state), do: finish(:commit, "Commit", options, state)

  @doc "Rolls the transaction, or the innermost savepoint that `handle_begin/2` has set, back."
  def handle_rollback(options, state)

  def handle_rollback(_options, %State{trx_id: nil} = state),
    do: {:error, %RuntimeError{message: "no active transaction"}, state}

  def handle_rollback(_options, %State{savepoints: number} = state) when number > 0 do
    with {:ok, _, state} <- with_savepoint("ROLLBACK TO", number, state, & &1, %Result{}) do
      with_savepoint("RELEASE", number, state, &%{&1 | savepoints: number - 1}, %Result{})
    end
  end

  def handle_rollback(options, %State{} = state), do: finish(:rollback, "Rollback", options, state)

  defp finish(operation, name, options, state) do
    case Call.run(state.conn_id, operation, {state.trx_id}, Keyword.get(options, :timeout, 15_000)) do
      {:ok, nil, _} ->
        {:ok, %Result{}, %{state | trx_id: nil, savepoints: 0}}

      {:error, reason} ->
        error = Error.from_reason(reason, nil, "#{name} error: ")
        open = Nif.in_transaction(state.trx_id)
        ended(error, if(open, do: state, else: %{state | trx_id: nil, savepoints: 0}))
    end
  end

  @doc "Whether a transaction is open, as the last answer of the connection said: asks nobody."
  def handle_status(options, state)

  def handle_status(_options, %State{trx_id: nil} = state),
    do: {if(Nif.in_transaction(state.conn_id), do: :transaction, else: :idle), state}

  def handle_status(_options, %State{} = state) do
    if Nif.in_transaction(state.trx_id),
      do: {:transaction, state},
      else: {:idle, %{state | trx_id: nil, savepoints: 0}}
  end

  @doc "Starts a query whose rows are fetched in chunks."
  def handle_declare(%Query{} = query, args, options, %State{} = state) do
    timeout = Keyword.get(options, :timeout, 15_000)

    case Native.declare_call(state.conn_id, query.statement, args, state.trx_id, timeout) do
      {:ok, cursor_id, _} -> {:ok, query, %{ref: cursor_id}, state}
      {:error, reason} -> failed(reason, query.statement, state)
    end
  end

  @doc "The next chunk of a cursor: `:cont`, or `:halt` with the last one. `max_rows:` bounds it."
  def handle_fetch(%Query{} = query, %{ref: cursor_id}, options, %State{} = state) do
    max_rows = Keyword.get(options, :max_rows, state.chunk_size)

    case Native.fetch_call(state.conn_id, cursor_id, max_rows, Keyword.get(options, :timeout, 15_000)) do
      {:ok, {columns, rows, count, finished}, _} ->
        {if(finished, do: :halt, else: :cont), %Result{command: :select, columns: columns, rows: rows, num_rows: count},
         state}

      {:error, reason} ->
        failed(reason, query.statement, state)
    end
  end

  @doc "Ends a cursor."
  def handle_deallocate(%Query{}, %{ref: cursor_id}, _options, %State{} = state) do
    Native.close(cursor_id, :cursor_id)
    {:ok, %Result{}, state}
  end

  # -- beyond DBConnection ---------------------------------------------------------------------------------------------

  @doc """
  Exactly one row, of a statement's text or of a compiled statement. Reads no more than two.
  """
  def query_one(%State{} = state, sql_or_statement, args \\ []) do
    answer =
      case Nif.owner(sql_or_statement) do
        {:statement, _} -> Native.run_prepared(state.conn_id, sql_or_statement, args)
        _text -> Native.run(state.conn_id, sql_or_statement, args, state.trx_id, max_rows: 1)
      end

    case answer do
      {:ok, _columns, [row], _, _, _} -> {:ok, row}
      {:ok, _columns, rows, _, _, _} -> {:error, Error.from_reason("expected one row, got #{length(rows)}")}
      {:error, %{code: :unexpected_rows}} -> {:error, Error.from_reason("expected one row, got more")}
      {:error, reason} -> {:error, Error.from_reason(reason)}
    end
  end

  @doc "Compiles a statement. Returns its handle."
  def prepare(%State{} = state, sql), do: Native.prepare(state, sql)
  @doc "Runs a compiled statement. Returns the rows it changed, or a result if it returns rows."
  def execute_stmt(%State{} = state, stmt_id, args), do: Native.execute_stmt(state, stmt_id, nil, args)
  @doc "Runs a compiled statement. Returns its rows."
  def query_stmt(%State{} = state, stmt_id, args), do: Native.query_stmt(state, stmt_id, args)

  @doc "Runs any compiled statement; rows are passed over."
  def run_stmt(%State{} = state, stmt_id, args \\ []) do
    case Native.run_prepared(state.conn_id, stmt_id, args) do
      {:ok, _, _, _, _, _} -> :ok
      {:error, reason} -> {:error, Error.from_reason(reason)}
    end
  end

  @doc "Makes a compiled statement ready for its next run, and forgets its arguments."
  def reset_stmt(%State{} = state, stmt_id), do: Native.reset_stmt(state, stmt_id)
  @doc "Ends a compiled statement of this connection."
  def close_stmt(%State{} = state, stmt_id), do: own(state, stmt_id, fn -> Native.close_stmt(stmt_id) end)
  @doc "The same as `close_stmt/2`."
  def finalize_stmt(%State{} = state, stmt_id), do: close_stmt(state, stmt_id)

  defp own(state, handle, use) do
    with {_kind, connection} <- Nif.owner(handle), {:connection, ^connection} <- Nif.owner(state.conn_id) do
      use.()
    else
      nil -> {:error, "Statement not found"}
      {:connection, _other} -> {:error, "Statement does not belong to connection"}
    end
  end

  @doc "The columns of a compiled statement: maps of `name`, `origin_name`, `decl_type`, `table` and `database`."
  def get_statement_columns(%State{} = state, stmt_id) do
    case Call.run(state.conn_id, :statement_columns, {stmt_id}) do
      {:ok, columns, _} ->
        {:ok,
         for {name, origin, type, table, database} <- columns do
           %{name: name, origin_name: origin, decl_type: type, table: table, database: database}
         end}

      {:error, reason} ->
        {:error, Error.from_reason(reason)}
    end
  end

  @doc "Runs the statements of a text in order. Returns a map, or nil, for each."
  def execute_batch(%State{} = state, sql), do: Native.execute_batch_sql(state, sql)
  @doc "The same in one transaction: all or none."
  def execute_transactional_batch(%State{} = state, sql), do: Native.execute_transactional_batch_sql(state, sql)

  @doc "Runs one statement for each set of arguments, in one transaction. Returns the rows changed: the way to load many."
  def execute_many(%State{} = state, sql, sets) do
    encoded = Enum.map(sets, &EctoLibSql.Arguments.encode/1)
    value(Call.run(state.conn_id, :execute_many, {sql, encoded}, :infinity))
  catch
    {:error, text} -> {:error, Error.from_reason(text)}
  end

  defp value({:ok, value, _in_transaction}), do: {:ok, value}
  defp value({:error, reason}), do: {:error, Error.from_reason(reason)}

  defp done({:ok, _value, _in_transaction}), do: :ok
  defp done({:error, reason}), do: {:error, Error.from_reason(reason)}

  @doc "How long a call waits for a lock, in milliseconds."
  def set_busy_timeout(%State{} = state, ms) when is_integer(ms) and ms >= 0, do: Native.busy_timeout(state, ms)

  @doc """
  Makes a connection fit for its next user: rolls back, ends statements and cursors. With `everything: true` also drops
  temporary tables, detaches databases and hooks, and restores settings.
  """
  def reset_connection(%State{} = state, options \\ []),
    do: done(Call.run(state.conn_id, :reset, {Keyword.get(options, :everything, false)}))

  @doc "Ends what the connection runs now, from any process."
  def interrupt_connection(%State{} = state), do: Native.interrupt(state)

  @doc "Writes changed pages to the file, and copies the log into it."
  def cacheflush(%State{} = state) do
    with :ok <- done(Call.run(state.conn_id, :cacheflush, {})) do
      if Nif.in_transaction(state.conn_id), do: :ok, else: done(Call.run(state.conn_id, :wal_checkpoint, {:full}))
    end
  end

  @doc "Loads an extension from a file; it is allowed for this call alone."
  def load_extension(%State{} = state, path, entry \\ nil), do: Native.load_ext(state, path, entry)

  @doc "How many bytes each page has reserved at its end."
  def get_reserved_bytes(%State{} = state), do: value(Call.run(state.conn_id, :reserved_bytes, {nil}))

  @doc "Reserves bytes at the end of each page, by a VACUUM."
  def set_reserved_bytes(%State{} = state, bytes) when is_integer(bytes) and bytes in 0..255 do
    with {:ok, _bytes} <- value(Call.run(state.conn_id, :reserved_bytes, {bytes}, :infinity)), do: :ok
  end

  @doc "Changes the key of a file; an empty one decrypts it. Rewrites every page."
  def rekey(%State{} = state, key) when is_binary(key), do: done(Call.run(state.conn_id, :rekey, {key}, :infinity))

  @doc "Copies the database to a file while it is in use."
  def backup(%State{} = state, path) when is_binary(path) do
    with {:ok, :completed} <- value(Call.run(state.conn_id, :backup, {path}, :infinity)), do: :ok
  end

  @doc """
  Copies to a replica what its primary has. Returns a map of `frame_no`, `frames_synced`, `bytes_received` and
  `took_snapshot`. `timeout:` is 30000 here.
  """
  def sync(%State{} = state, options \\ []),
    do: value(Call.run(state.conn_id, :sync, {nil}, Keyword.get(options, :timeout, 30_000)))

  @doc "The same until the replica has a frame."
  def sync_until(%State{} = state, frame, options \\ []) when is_integer(frame) and frame >= 0,
    do: value(Call.run(state.conn_id, :sync, {frame}, Keyword.get(options, :timeout, 30_000)))

  @doc "The frame up to which a replica has come, or nil; every sync ends with all that it received written out."
  def flush_replicator(%State{} = state) do
    with {:ok, {frame, _of_writes}} <- value(Call.run(state.conn_id, :frames, {})), do: {:ok, frame}
  end

  @doc """
  Ends the replication: the replica's file becomes an ordinary database, which the returned state has open. What was
  not committed is rolled back.
  """
  def freeze(%State{} = state) do
    with :ok <- done(Call.run(state.conn_id, :freeze, {}, 30_000)) do
      {:ok, %{state | mode: :local, sync: :disable_sync, trx_id: nil, savepoints: 0}}
    end
  end

  @doc "See `EctoLibSql.Hooks.set_update_hook/2`."
  defdelegate set_update_hook(state, pid), to: EctoLibSql.Hooks
  @doc "See `EctoLibSql.Hooks.set_authorizer/2`."
  defdelegate set_authorizer(state, rules), to: EctoLibSql.Hooks
end
