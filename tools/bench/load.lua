-- wrk's part of the bench: sends prepared requests, one after the other, and looks at each answer.
--
-- Arguments: a file of requests, each after a line with its length; the status and the text that
-- each answer must have; and "once" where no request may be sent twice. At the end a line of JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  status, holds, once = tonumber(args[2]), args[3], args[4] == "once"
  wrong, example, prepared, sent, answered = 0, "", {}, 0, 0
  local file = io.open(args[1], "rb")
  for length in file:lines() do
    table.insert(prepared, file:read(tonumber(length)))
  end
  file:close()
end

function request()
  sent = sent + 1
  if once and sent > #prepared then
    return prepared[#prepared] -- while the last answers are on their way
  end
  return prepared[(sent - 1) % #prepared + 1]
end

function response(found, headers, body)
  if found ~= status or not body:find(holds, 1, true) then
    wrong = wrong + 1
    example = found .. " " .. body:sub(1, 200)
  end
  answered = answered + 1
  if once and answered >= #prepared then
    wrk.thread:stop()
  end
end

function done(summary, latency, requests)
  local counted, text = 0, ""
  for _, thread in ipairs(threads) do
    counted = counted + thread:get("wrong")
    text = thread:get("example")
  end
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    'RESULT {"answers": %d, "seconds": %f, "wrong": %d, "lost": %d, "p99_ms": %f, "example": "%s"}\n',
    summary.requests, summary.duration / 1e6, counted, lost, latency:percentile(99) / 1e3,
    text:gsub("[^%w%s<>=/.,:-]", " "):gsub("%s+", " ")
  ))
end
