defmodule EctoLibSql.Result do
  @moduledoc """
  What a statement did: its rows as lists of values under `columns`, or how many rows it changed in `num_rows`.

    * `command` - nil for what returns rows, else `:insert`, `:update`, `:delete`, `:create` and so on
    * `columns`, `rows` - names and rows; nil for INSERT, UPDATE and DELETE without RETURNING
    * `num_rows` - the rows returned, or else changed
  """
  defstruct [:command, :columns, :rows, num_rows: 0]

  @type t :: %__MODULE__{
          command: atom,
          columns: [String.t()] | nil,
          rows: [[term]] | nil,
          num_rows: non_neg_integer
        }

  @doc """
  A result from a keyword list.

      iex> EctoLibSql.Result.new(columns: ["a"], rows: [[1]], num_rows: 1).command
      :other
  """
  def new(options) do
    %__MODULE__{
      command: Keyword.get(options, :command, :other),
      columns: Keyword.get(options, :columns),
      rows: Keyword.get(options, :rows),
      num_rows: Keyword.get(options, :num_rows, 0)
    }
  end
end
