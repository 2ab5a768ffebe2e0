/**
 * Run once in every Lua state: gives Lua 5.3 the library functions of 5.1 that are easily said in Lua, and
 * takes away what Redis does not have, so that a script that runs here runs there.
 */
export const PRELUDE = `
unpack, loadstring = table.unpack, load
table.getn = function(t) return #t end
table.maxn = function(t)
  local highest = 0
  for k in pairs(t) do if type(k) == 'number' and k > highest then highest = k end end
  return highest
end
table.foreach = function(t, f)
  for k, v in pairs(t) do local r = f(k, v) if r ~= nil then return r end end
end
table.foreachi = function(t, f)
  for i = 1, #t do local r = f(i, t[i]) if r ~= nil then return r end end
end
math.pow = function(x, y) return x ^ y end
math.log10 = function(x) return math.log(x, 10) end
math.atan2, math.mod, string.gfind = math.atan, math.fmod, string.gmatch

dofile, loadfile, print, rawlen = nil, nil, nil, nil
table.pack, table.unpack, table.move = nil, nil, nil
string.pack, string.packsize, string.unpack = nil, nil, nil
math.type, math.ult, math.tointeger, math.maxinteger, math.mininteger = nil, nil, nil, nil, nil
coroutine.isyieldable = nil
_VERSION = 'Lua 5.1'
`;
