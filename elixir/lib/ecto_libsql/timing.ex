defmodule EctoLibSql.Timing do
  @moduledoc """
  What is told of each statement: the telemetry event `[:ecto_libsql, :query]`, where the application `telemetry` runs,
  and a line in the log for connections with `log_timing:`.

  Measurements: `total_time` in native units. Metadata: `query`, `num_rows`, `result` (`:ok` or `:error`), `mode`.
  """
  require Logger
  alias EctoLibSql.State

  @compile {:no_warn_undefined, :telemetry}

  @doc false
  def finished(sql, started, answer, %State{} = state) do
    told = :erlang.function_exported(:telemetry, :execute, 3)

    if told or state.log_timing do
      time = System.monotonic_time() - started
      rows = rows(answer)
      if told, do: tell(sql, time, rows, elem(answer, 0), state)
      if state.log_timing, do: log(sql, time, rows, elem(answer, 0), state)
    end

    :ok
  end

  defp rows({:ok, nil, _rows, changes, _rowid, _}), do: changes
  defp rows({:ok, _columns, rows, _changes, _rowid, _}), do: length(rows)
  defp rows({:error, _reason}), do: 0

  defp tell(sql, time, rows, result, state) do
    metadata = %{query: IO.iodata_to_binary(sql), num_rows: rows, result: result, mode: state.mode}
    :telemetry.execute([:ecto_libsql, :query], %{total_time: time}, metadata)
  end

  defp log(sql, time, rows, result, state) do
    level = if state.log_timing == true, do: :debug, else: state.log_timing
    ms = :erlang.float_to_binary(System.convert_time_unit(time, :native, :microsecond) / 1000, decimals: 1)
    Logger.log(level, fn -> "QUERY #{String.upcase(to_string(result))} db=#{ms}ms rows=#{rows} #{sql}" end)
  end
end
