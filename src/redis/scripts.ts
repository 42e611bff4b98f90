import { createHash } from 'node:crypto'
import {
  AT_FLAGS,
  AT_FRESH_UNTIL,
  AT_LEASE_UNTIL,
  AT_VERSION,
  HEADER_BYTES,
  KIND_BITS,
  KINDS,
  VERSION_BYTES,
} from '../entry/envelope.ts'

/** A Lua script and the name by which a server that has run it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

const TIME_BYTES = HEADER_BYTES - AT_LEASE_UNTIL

// Positions are counted from 0 by Redis' commands and from 1 by Lua's strings. Times are put together from bytes: `struct` is not
// everywhere, a double holds 48 bits exactly, and Lua compares strings by the server's locale. The reading of the header
// leaves large payloads where they are.
const HEAD = `local head=redis.call('getrange',KEYS[1],0,${HEADER_BYTES - 1})
local version=string.sub(head,${AT_VERSION + 1},${AT_VERSION + VERSION_BYTES})
local placeholder=#head==${HEADER_BYTES} and string.byte(head,${AT_FLAGS + 1})%${KIND_BITS + 1}==${KINDS.indexOf('lease')}
local function absent() return head=='' and not redis.call('get',KEYS[1]) end
local function read(s,at)
  local n=0
  for i=at+1,at+${TIME_BYTES} do n=n*256+string.byte(s,i) end
  return n
end
`

const HOLD = `local now=redis.call('time')
now=now[1]*1000+math.floor(now[2]/1000)
local function hold(ms)
  local s=''
  local n=now+ms
  for i=1,${TIME_BYTES} do
    s=string.char(n%256)..s
    n=math.floor(n/256)
  end
  redis.call('setrange',KEYS[1],${AT_VERSION},ARGV[1]..s)
end
`

/**
 * Takes a lease. Arguments: the token, what was seen (a version, `any`, or nothing), the placeholder, how long. Gives 1 for
 * won, 0 for held, or the bytes that are there.
 */
export const LEASE: Script = script(`${HEAD}${HOLD}local token,seen,mark,ms=ARGV[1],ARGV[2],ARGV[3],ARGV[4]
local any=seen=='any'
local function place()
  redis.call('set',KEYS[1],mark,'PX',ms)
  return 1
end
if absent() then return place() end
local ours=#head==${HEADER_BYTES} and string.sub(head,1,${AT_FLAGS})==string.sub(mark,1,${AT_FLAGS})
if any and not ours then return place() end
if ours and placeholder then
  if version==token then return 1 end
  if any then return place() end
end
if ours and not placeholder and seen~='' then
  local till=read(head,${AT_LEASE_UNTIL})
  if any or (version==token and till>0) or (version==seen and till<=now) then
    hold(ms)
    return 1
  end
  if till>now then return 0 end
end
return redis.call('get',KEYS[1])`)

/** Lets a lease go on. Arguments: the token, how long. Gives 1, or 0 when it is lost. */
export const RENEW: Script = script(`${HEAD}${HOLD}if version~=ARGV[1] then return 0 end
hold(ARGV[2])
if placeholder then redis.call('pexpire',KEYS[1],ARGV[2]) end
return 1`)

/** Writes under a lease. Arguments: the token, the value, its TTL. Gives 1, or 0 when the lease is lost. */
export const FILL: Script = script(
  `if redis.call('getrange',KEYS[1],${AT_VERSION},${AT_VERSION + VERSION_BYTES - 1})~=ARGV[1] then return 0 end
redis.call('set',KEYS[1],ARGV[2],'PX',ARGV[3])
return 1`,
)

/** Gives a lease back. Arguments: the token. Gives 1, or 0 when it is lost. */
export const RELEASE: Script = script(`${HEAD}if version~=ARGV[1] then return 0 end
if placeholder then redis.call('del',KEYS[1])
else redis.call('setrange',KEYS[1],${AT_LEASE_UNTIL},string.rep('\\0',${TIME_BYTES})) end
return 1`)

/** Makes an entry out of date. Arguments: now in six bytes, the new version. Gives 2 for expired, 1 for deleted, 0 for absent. */
export const EXPIRE: Script = script(`${HEAD}if absent() then return 0 end
if placeholder or #head<${HEADER_BYTES} then
  redis.call('del',KEYS[1])
  return 1
end
local fresh=string.sub(head,${AT_FRESH_UNTIL + 1},${AT_FRESH_UNTIL + TIME_BYTES})
if read(ARGV[1],0)<read(fresh,0) then fresh=ARGV[1] end
redis.call('setrange',KEYS[1],${AT_FRESH_UNTIL},fresh)
redis.call('setrange',KEYS[1],${AT_VERSION},ARGV[2]..string.rep('\\0',${TIME_BYTES}))
return 2`)

/** A moment as the scripts take it. */
export function timeBytes(time: number): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(Math.min(2 ** (8 * TIME_BYTES) - 1, Math.max(0, Math.floor(time))), 0, TIME_BYTES)
  return bytes
}

function script(text: string): Script {
  // The name is Redis' own: not a matter of security.
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
