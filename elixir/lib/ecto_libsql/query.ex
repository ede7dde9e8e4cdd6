defmodule EctoLibSql.Query do
  @moduledoc """
  The text of a statement, as it is passed to `EctoLibSql.handle_execute/4`.
  """
  defstruct [:statement, :name, :prepared, :param_types, type: :binary]

  @type t :: %__MODULE__{statement: String.t() | nil}

  defimpl String.Chars do
    def to_string(%{statement: statement}), do: IO.iodata_to_binary(statement || "")
  end
end
