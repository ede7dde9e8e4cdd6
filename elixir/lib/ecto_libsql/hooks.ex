defmodule EctoLibSql.Hooks do
  @moduledoc """
  What a connection does, told to a process; and what it may do, by rules. Local databases only: a server has no hooks
  for its clients.

  Messages never wait for their receiver. To a process that has ended nothing is sent any more.
  """
  alias EctoLibSql.{Call, Error, State}

  @verdicts [:allow, :deny, :ignore]

  @doc """
  Sends `{:ecto_libsql_update, :insert | :update | :delete, database, table, rowid}` for each row that the connection
  changes, before its transaction commits; nil ends it.
  """
  def set_update_hook(%State{} = state, pid) when is_pid(pid) or is_nil(pid), do: attach(state, :update_hook, pid)

  @doc "Sends `:ecto_libsql_commit` before each commit of a write, and `:ecto_libsql_rollback` after each rollback."
  def set_commit_hook(%State{} = state, pid) when is_pid(pid) or is_nil(pid), do: attach(state, :commit_hook, pid)

  @doc """
  Sends `{:ecto_libsql_changes, number, changes, truncated}` for each committed transaction of the connection, where
  `changes` are `{:insert | :update | :delete, table, old values or nil, new values or nil}` in order.
  """
  def set_change_feed(%State{} = state, pid) when is_pid(pid) or is_nil(pid), do: attach(state, :change_feed, pid)

  @doc """
  Sets the rules of what the connection's statements may do, or removes them (nil).

  A rule is `{verdict, action}`, `{verdict, action, table}` or `{verdict, action, table, column}`, with the verdicts
  `:allow`, `:deny` (the statement fails) and `:ignore` (a column reads as NULL, any other action is skipped). Actions are
  `:read`, `:insert`, `:update`, `:delete`, `:select`, `:pragma`, `:attach`, `:function`, `:create_table`, `:drop_table` and
  so on, or `:any`. The first rule that fits decides; what none fits is allowed.

      EctoLibSql.Hooks.set_authorizer(state, [{:ignore, :read, "users", "password"}, {:deny, :drop_table}])
  """
  def set_authorizer(%State{} = state, rules) when is_list(rules) or is_nil(rules) do
    attach(state, :authorizer, rules && Enum.map(rules, &rule/1))
  end

  defp rule({verdict, action}), do: rule({verdict, action, nil, nil})
  defp rule({verdict, action, table}), do: rule({verdict, action, table, nil})

  defp rule({verdict, action, table, column})
       when verdict in @verdicts and is_atom(action) and (is_binary(table) or is_nil(table)) and
              (is_binary(column) or is_nil(column)),
       do: {verdict, action, table, column}

  defp rule(other), do: raise(ArgumentError, "not a rule of an authorizer: #{inspect(other)}")

  defp attach(state, operation, argument) do
    case Call.run(state.conn_id, operation, {argument}) do
      {:ok, nil, _} -> :ok
      {:error, reason} -> {:error, Error.from_reason(reason)}
    end
  end
end
