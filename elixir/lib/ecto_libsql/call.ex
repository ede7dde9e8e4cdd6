defmodule EctoLibSql.Call do
  @moduledoc false
  # One call of a connection, and the wait for its answer. The caller's process waits as for any message: no scheduler
  # is occupied, whatever the call waits for.

  alias EctoLibSql.Nif

  # How long the engine, which knows the timeout too, has to end a call by itself, and then to obey a cancel.
  @end_by_itself 5
  @obey_cancel 10

  @default_timeout 15_000

  @doc """
  Runs an operation. Returns its answer, `{:error, reason}`, or `{:error, :stuck}` when the call did not end in time:
  then its connection should be closed.
  """
  def run(handle, operation, arguments, timeout \\ @default_timeout)

  def run(handle, operation, arguments, timeout) when is_binary(handle) do
    reference = make_ref()

    case Nif.call(handle, reference, operation, arguments, timeout) do
      ticket when is_reference(ticket) ->
        receive do
          {^reference, answer} -> answer
        after
          patience(timeout) -> give_up(ticket, reference)
        end

      reason ->
        {:error, reason}
    end
    |> checked(handle, operation)
  end

  def run(handle, operation, _arguments, _timeout) do
    raise ArgumentError, "#{operation}: a handle is a string, got: #{inspect(handle)}"
  end

  defp patience(:infinity), do: :infinity
  defp patience(timeout), do: timeout + @end_by_itself

  defp give_up(ticket, reference) do
    Nif.cancel(ticket)

    receive do
      {^reference, answer} -> late(answer)
    after
      @obey_cancel ->
        if Nif.abandon(ticket) do
          {:error, :stuck}
        else
          receive do
            {^reference, answer} -> late(answer)
          end
        end
    end
  end

  # What was interrupted by our cancel had run out of its time. What finished in the last moment has its answer.
  defp late({:error, %{code: :interrupted}}), do: {:error, :timeout}
  defp late({:error, :cancelled}), do: {:error, :timeout}
  defp late(answer), do: answer

  defp checked({:error, :badarg}, _handle, operation), do: raise(ArgumentError, "#{operation}: a wrong argument")
  defp checked(answer, _handle, _operation), do: answer

  @doc "Closes a connection and waits until its files are closed, or for `timeout`. False if there is none."
  def close(handle, timeout \\ 5_000) when is_binary(handle) do
    reference = make_ref()

    if Nif.close(handle, reference) do
      receive do
        {^reference, :closed} -> true
      after
        timeout -> true
      end
    else
      false
    end
  end
end
