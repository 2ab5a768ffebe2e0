import {
  conforms,
  error,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
  WRONG_TYPE,
  wrongArguments,
} from "../../support/redis/conformance.ts";

const INVALID_EXPIRE = error("ERR invalid expire time in 'set' command");

conforms("SET and GET", [
  ["GET :k", null],
  ["SET :k v", "OK"],
  ["get :k", "v"],
  ["SET :k ''", "OK"],
  ["GET :k", ""],
  ["SET :k 'two words'", "OK"],
  ["GET :k", "two words"],
  ["SET :k é😀", "OK"],
  ["GET :k", "é😀"],
  ["SET :k", wrongArguments("set")],
  ["GET", wrongArguments("get")],
  ["GET :k extra", wrongArguments("get")],
  ["HSET :h f v", 1],
  ["GET :h", WRONG_TYPE],
  ["SET :h v", "OK"],
  ["GET :h", "v"],
]);

conforms("MGET", [
  ["SET :k v", "OK"],
  ["HSET :h f v", 1],
  ["MGET :k :none :h :k", ["v", null, null, "v"]],
  ["MGET", wrongArguments("mget")],
]);

conforms("SET for new keys only", [
  ["SET :k v nx", "OK"],
  ["SET :k w NX", null],
  ["GET :k", "v"],
  ["SET :other v PX 10000 NX", "OK"],
  ["SET :other w NX EX 10", null],
  ["GET :other", "v"],
]);

conforms("SET with an expiry", [
  ["SET :k v EX 100", "OK"],
  ["SET :k w", "OK"],
  ["PTTL :k", -1],
  ["SET :k v EX", SYNTAX_ERROR],
  ["SET :k v EX 1 PX 1", SYNTAX_ERROR],
  ["SET :k v FOO", SYNTAX_ERROR],
  ["SET :k v EX a", NOT_AN_INTEGER],
  ["SET :k v EX 0", INVALID_EXPIRE],
  ["SET :k v PX -1", INVALID_EXPIRE],
  ["GET :k", "w"],
]);
