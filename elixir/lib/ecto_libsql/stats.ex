defmodule EctoLibSql.Stats do
  @moduledoc "Counters of a connection, and of the VM."
  alias EctoLibSql.{Call, Error, Nif, State}

  @doc """
  The counters of one connection: `queries_executed`, `rows`, `transactions`, `commits`, `rollbacks`, `errors`,
  `cache_hits`, `cache_misses`, `cached_statements`, `busy_waits`, `total_changes`, `last_insert_rowid`, `is_autocommit`.
  """
  def connection_stats(%State{} = state) do
    with {:ok, statistics, _} <- Call.run(state.conn_id, :statistics, {}),
         {:ok, counters, _} <- Call.run(state.conn_id, :counters, {}) do
      {:ok, Map.merge(statistics, Map.delete(counters, :changes))}
    else
      {:error, reason} -> {:error, Error.from_reason(reason)}
    end
  end

  @doc "How many connections this VM has open, and how many threads serve them."
  def vm_stats do
    {connections, threads} = Nif.counts()
    %{connections: connections, threads: threads}
  end
end
