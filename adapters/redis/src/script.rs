//! The scripts that run on the server, each in one step that nothing comes between.
//!
//! A session is a hash with three fields: `revision`, `snapshot`, and `saved_at`, the
//! server's time in microseconds.

use redis::Script;

/// The longest time in seconds since a replica was heard of that counts. It reports once
/// a second.
const LAG: u8 = 5;

/// The largest allowed size of a snapshot in bytes. No session needs so much.
pub(crate) const MAX_SNAPSHOT: usize = 128 * 1024;

/// The scripts of a store.
///
/// Replicas are waited for until they have what the connection has written. So whoever
/// waits for them and has nothing to write writes the revision once more.
pub(crate) struct Scripts {
    /// Takes 1 if the replicas are to be waited for, or 0. Returns nothing, or revision,
    /// snapshot, time of saving, and now as seconds and microseconds, or "foreign".
    pub(crate) load: Script,
    /// Takes the revision that was seen or an empty text, the new one, the snapshot, the
    /// number of replicas, and the channel. Returns "saved", "conflict", "foreign" or
    /// "lonely".
    pub(crate) save: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            load: Script::new(&LOAD.replace("MAX", &MAX_SNAPSHOT.to_string())),
            save: Script::new(&SAVE.replace("LAG", &LAG.to_string())),
        }
    }
}

// The first command removes nothing. A replica refuses it: what a replica holds may be
// old, and the connection is made again, to the primary. A primary that takes no writes
// for another reason still shows what it holds.
const LOAD: &str = "
local write = redis.pcall('HDEL', KEYS[1], '')
if type(write) == 'table' and write.err and string.find(write.err, 'READONLY', 1, true) then
    return write
end
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 'foreign' end
if redis.call('HSTRLEN', KEYS[1], 'snapshot') > MAX then return 'foreign' end
local fields = redis.call('HMGET', KEYS[1], 'revision', 'snapshot', 'saved_at')
if not (fields[1] and fields[2] and fields[3]) then return 'foreign' end
if ARGV[1] == '1' then redis.call('HSET', KEYS[1], 'revision', fields[1]) end
local now = redis.call('TIME')
return {fields[1], fields[2], fields[3], now[1], now[2]}
";

// A save that is sent again finds itself.
//
// An error of publishing is none: who waits looks anyway, and what is saved is saved.
const SAVE: &str = "
local seen, revision, snapshot, replicas, channel = unpack(ARGV)
local found = ''
if redis.call('EXISTS', KEYS[1]) == 1 then
    if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 'foreign' end
    found = redis.call('HGET', KEYS[1], 'revision')
    if not found then return 'foreign' end
end
if found ~= revision then
    if found ~= seen then return 'conflict' end
    if tonumber(replicas) > 0 then
        local connected = 0
        local about = redis.call('INFO', 'replication')
        for state, lag in string.gmatch(about, 'slave%d+:[^\\r\\n]*state=(%a+)[^\\r\\n]*lag=(%d+)') do
            if state == 'online' and tonumber(lag) <= LAG then connected = connected + 1 end
        end
        if connected < tonumber(replicas) then return 'lonely' end
    end
    local now = redis.call('TIME')
    local saved_at = now[1] .. string.format('%06d', now[2])
    redis.call('HSET', KEYS[1], 'revision', revision, 'snapshot', snapshot, 'saved_at', saved_at)
elseif tonumber(replicas) > 0 then
    redis.call('HSET', KEYS[1], 'revision', revision)
end
redis.pcall('PUBLISH', channel, revision)
return 'saved'
";
