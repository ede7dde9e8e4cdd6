-- What wrk sends: `select` (a point select) or `batch` (100 inserts in one transaction), each as one pipeline.
local kind = "select"

function init(args)
  kind = args[1] or kind
  math.randomseed(os.time())
  if kind == "batch" then
    local steps = {'{"stmt":{"sql":"BEGIN IMMEDIATE"}}'}
    for i = 1, 100 do
      steps[#steps + 1] = '{"condition":{"type":"ok","step":' .. (i - 1) ..
        '},"stmt":{"sql":"INSERT INTO log(text) VALUES (?)","args":[{"type":"text","value":"line ' .. i .. '"}]}}'
    end
    steps[#steps + 1] = '{"condition":{"type":"ok","step":100},"stmt":{"sql":"COMMIT"}}'
    steps[#steps + 1] = '{"condition":{"type":"not","cond":{"type":"ok","step":101}},"stmt":{"sql":"ROLLBACK"}}'
    batch = wrk.format("POST", "/v2/pipeline", nil,
      '{"requests":[{"type":"batch","batch":{"steps":[' .. table.concat(steps, ",") .. ']}},{"type":"close"}]}')
  else
    selects = {}
    for i = 1, 1000 do
      selects[i] = wrk.format("POST", "/v2/pipeline", nil,
        '{"requests":[{"type":"execute","stmt":{"sql":"SELECT id, name, price FROM items WHERE id = ?","args":[{"type":"integer","value":"' ..
        math.random(1, 100000) .. '"}]}},{"type":"close"}]}')
    end
  end
end

local next_select = 0
function request()
  if kind == "batch" then return batch end
  next_select = next_select % 1000 + 1
  return selects[next_select]
end
