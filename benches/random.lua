-- Random pages of a list (LIST: "host path" a line), or one page again and again (HOT=1). Seeded: both servers get the same.
local pages = {}
for line in io.lines(os.getenv("LIST")) do
  local host, path = line:match("^(%S+) (%S+)$")
  pages[#pages + 1] = wrk.format("GET", path, { ["Host"] = host, ["Accept-Encoding"] = "gzip" })
end
math.randomseed(20260930)
local hot = os.getenv("HOT") == "1"
request = function()
  if hot then return pages[1] end
  return pages[math.random(#pages)]
end
done = function(summary)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.stderr:write(string.format("%.0f %d\n", summary.requests / (summary.duration / 1e6), bad))
end
