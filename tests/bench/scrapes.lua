-- wrk: pauses between the requests of a connection, and tells what came of them as one line of JSON.
local pause = tonumber(os.getenv("PGHANG_PAUSE"))

-- Not all connections at the same time: none shall wait for another one's answer.
function delay()
  return math.random(pause / 2, pause * 3 / 2)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local form = 'scrapes {"n": %d, "p50": %d, "p99": %d, "longest": %d, "failed": %d, "body": %d}\n'
  io.write(form:format(summary.requests, latency:percentile(50), latency:percentile(99), latency.max, failed,
    summary.bytes / math.max(1, summary.requests)))
end
