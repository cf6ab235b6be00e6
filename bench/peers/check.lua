-- The signature and the grant of a call, checked in nginx by LuaJIT with libcrypto. What it leaves out is
-- in its favour: the query must come sorted and encoded as it is signed.
local ffi = require "ffi"
ffi.cdef [[
unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *out);
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_length, const unsigned char *data,
                    size_t length, unsigned char *out, unsigned int *out_length);
int CRYPTO_memcmp(const void *a, const void *b, size_t length);
]]
local crypto = ffi.load("crypto.so.3")
local digest = ffi.new("unsigned char[32]")
local hex_out = ffi.new("char[64]")
local digits = "0123456789abcdef"
local byte, find, lower, sub = string.byte, string.find, string.lower, string.sub
local sha256_of = crypto.EVP_sha256()

local function hex()
    for i = 0, 31 do
        hex_out[2 * i] = byte(digits, bit.rshift(digest[i], 4) + 1)
        hex_out[2 * i + 1] = byte(digits, bit.band(digest[i], 15) + 1)
    end
    return ffi.string(hex_out, 64)
end

local function sha256(text)
    crypto.SHA256(text, #text, digest)
    return hex()
end

local function hmac(secret, text)
    crypto.HMAC(sha256_of, secret, #secret, text, #text, digest, nil)
    return hex()
end

local EMPTY = sha256("")
local secrets, ends = {}, {}

local M = {}

-- A line per app: its key, its secret, the end of its grant.
function M.load(file)
    for line in io.lines(file) do
        local key, secret, until_ = line:match("^(%S+) (%S+) (%d+)$")
        secrets[key], ends[key] = secret, tonumber(until_)
    end
end

local function seconds_of(date)
    local y, m, d, h, min, s = date:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
    if not y then return nil end
    y, m, d = tonumber(y), tonumber(m), tonumber(d)
    if m <= 2 then y, m = y - 1, m + 12 end
    local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400)
        + math.floor((153 * (m - 3) + 2) / 5) + d - 719469
    return days * 86400 + h * 3600 + min * 60 + s
end

function M.check()
    local headers = ngx.req.get_headers(100)
    local authorization, date = headers["authorization"], headers["x-sdk-date"]
    if type(authorization) ~= "string" or type(date) ~= "string" then return ngx.exit(401) end
    local _, _, key, names, signature =
        find(authorization, "^SDK%-HMAC%-SHA256 Access=([^,]+), SignedHeaders=([^,]+), Signature=(%x+)$")
    local secret, at = secrets[key], seconds_of(date)
    if not secret or not at or math.abs(ngx.time() - at) > 900 then return ngx.exit(401) end
    local lines = {}
    for name in string.gmatch(names, "[^;]+") do
        local value = headers[name]
        if type(value) ~= "string" then return ngx.exit(401) end
        lines[#lines + 1] = name .. ":" .. value .. "\n"
    end
    local body = EMPTY
    if ngx.req.get_method() == "POST" then
        ngx.req.read_body()
        body = sha256(ngx.req.get_body_data() or "")
    end
    local path = ngx.var.uri
    if sub(path, -1) ~= "/" then path = path .. "/" end
    local canonical = ngx.req.get_method() .. "\n" .. path .. "\n" .. (ngx.var.args or "") .. "\n"
        .. table.concat(lines) .. "\n" .. names .. "\n" .. body
    local expected = hmac(secret, "SDK-HMAC-SHA256\n" .. date .. "\n" .. sha256(canonical))
    if #signature ~= 64 or crypto.CRYPTO_memcmp(expected, signature, 64) ~= 0 then
        return ngx.exit(401)
    end
    if ends[key] <= ngx.time() then return ngx.exit(403) end
end

return M
