defmodule EctoLibSql.DocTest do
  use ExUnit.Case, async: true
  doctest EctoLibSql.State
  doctest EctoLibSql.Result
  doctest EctoLibSql.Native
  doctest EctoLibSql.JSON
  doctest EctoLibSql.UUID
  doctest EctoLibSql.Vector

  test "the quick start of the README does what it says" do
    readme = File.read!(Path.expand("../README.md", __DIR__))
    blocks = Regex.scan(~r/```elixir\n# runs\n(.*?)```/s, readme, capture: :all_but_first)
    assert blocks != []

    for [code] <- blocks do
      folder = Path.dirname(EctoLibSql.Support.path())

      {_value, _bindings} =
        code |> String.replace(~s("app.db"), inspect(Path.join(folder, "readme.db"))) |> Code.eval_string()
    end
  end
end
