defmodule EctoLibSql.JSONTest do
  use EctoLibSql.Case, async: true
  alias EctoLibSql.JSON

  setup do: {:ok, state: connect()}

  test "values are read by paths", %{state: state} do
    json = ~s({"a":{"b":[1,"x",null]},"t":true})
    assert JSON.extract(state, json, "$.a.b[1]") == {:ok, "x"}
    assert JSON.extract(state, json, "$.a") == {:ok, ~s({"b":[1,"x",null]})}
    assert JSON.extract(state, json, "$.none") == {:ok, nil}
    assert JSON.type(state, json) == {:ok, "object"}
    assert JSON.type(state, json, "$.t") == {:ok, "true"}
    assert JSON.is_valid(state, json) == {:ok, true}
    assert JSON.is_valid(state, "{") == {:ok, false}
    assert {:error, _} = JSON.extract(state, "{", "$")
  end

  test "values are made and changed", %{state: state} do
    assert JSON.array(state, [1, "x", nil]) == {:ok, ~s([1,"x",null])}
    assert JSON.object(state, ["a", 1]) == {:ok, ~s({"a":1})}
    assert JSON.object(state, ["a"]) == {:error, {:invalid_arguments, "json_object requires even number of arguments"}}
    assert JSON.set(state, "{}", "$.a", true) == {:ok, ~s({"a":true})}
    assert JSON.set(state, "{}", "$.a", %{"b" => [1]}) == {:ok, ~s({"a":{"b":[1]}})}
    assert JSON.replace(state, "{}", "$.a", 1) == {:ok, "{}"}
    assert JSON.insert(state, ~s({"a":1}), "$.a", 2) == {:ok, ~s({"a":1})}
    assert JSON.remove(state, ~s({"a":1,"b":2,"c":3}), ["$.a", "$.b"]) == {:ok, ~s({"c":3})}
    assert JSON.patch(state, ~s({"a":{"b":1}}), ~s({"a":{"c":2}})) == {:ok, ~s({"a":{"b":1,"c":2}})}
    assert JSON.merge(state, ~s({"a":1}), ~s({"a":null})) == {:ok, "{}"}
    assert JSON.json_quote(state, "a\"b") == {:ok, ~S("a\"b")}
    assert JSON.convert(state, " [1] ", :json) == {:ok, "[1]"}
    assert {:ok, <<_, _::binary>>} = JSON.convert(state, "[1]", :jsonb)
    assert_raise ArgumentError, "format must be :json or :jsonb", fn -> JSON.convert(state, "[1]", :bson) end
  end

  test "members are listed", %{state: state} do
    assert JSON.each(state, ~s({"a":1,"b":"x"})) == {:ok, [{"a", 1, "integer"}, {"b", "x", "text"}]}
    assert JSON.tree(state, "[1]") == {:ok, [{"$", nil, "array"}, {"$[0]", 1, "integer"}]}
  end

  test "length, depth and keys work without functions of those names", %{state: state} do
    assert JSON.json_length(state, "[1,2,3]") == {:ok, 3}
    assert JSON.json_length(state, ~s({"a":[1,2]}), "$.a") == {:ok, 2}
    assert JSON.json_length(state, "5") == {:ok, nil}
    assert JSON.depth(state, "5") == {:ok, 1}
    assert JSON.depth(state, "[]") == {:ok, 1}
    assert JSON.depth(state, ~s({"a":[1,{"b":2}]})) == {:ok, 4}
    assert JSON.keys(state, ~s({"b":1,"a":2})) == {:ok, ~s(["a","b"])}
    assert JSON.keys(state, "[1]") == {:ok, nil}
  end

  test "terms are encoded as JSON that SQLite reads", %{state: state} do
    term = %{"text" => "\"\\\n\u0001é", "list" => [1, 2.5, true, nil, :atom], "date" => ~D[2024-01-02], atom: %{}}
    json = JSON.encode!(term)
    assert JSON.is_valid(state, json) == {:ok, true}
    assert JSON.extract(state, json, "$.text") == {:ok, "\"\\\n\u0001é"}
    assert JSON.extract(state, json, "$.date") == {:ok, "2024-01-02"}
    assert_raise ArgumentError, fn -> JSON.encode!(%{"a" => self()}) end
    assert_raise ArgumentError, fn -> JSON.encode!(<<255>>) end

    assert_raise ArgumentError, ~r/^Cannot encode map parameter to JSON./, fn ->
      rows(state, "SELECT ?", [%{a: self()}])
    end
  end
end
