// What a client costs beside plain fetch: `node bench/bench.mjs`, against a simulator on
// a port (cargo build --release -p thingspace-fetch --example service; its path in
// THINGSPACE_SERVICE).

import { Client, MemoryStore, compile } from "../thingspace.js";
import { Service, account, credentials } from "../test/service.mjs";

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function timed(rounds, act) {
    const times = [];
    for (let round = 0; round < rounds; round++) {
        const begun = performance.now();
        await act();
        times.push((performance.now() - begun) * 1000);
    }
    return median(times);
}

const show = (what, micros) => console.log(`${what}: ${micros.toFixed(0)} µs`);

show("compiling the module", await timed(20, () => compile()));
const module = await compile();
const service = await Service.start();
const options = { module, credentials, environment: service.base };
show("making a client", await timed(200, () => new Client(options)));

const tokens = {};
const client = new Client({
    ...options,
    store: new MemoryStore(),
    fetch: (url, init) => {
        for (const [name, value] of init.headers) tokens[name] = value;
        return fetch(url, init);
    },
});
await client.call(account);
await client.idle();
const headers = { authorization: tokens.authorization, "vz-m2m-token": tokens["vz-m2m-token"] };
const url = service.base + account;

// In memory: the cost of the client alone.
const body = new TextEncoder().encode(JSON.stringify({ accountName: "0000123456-00001" }));
const instant = () => new Response(body, { headers: { "content-type": "application/json" } });
const alone = new Client({
    ...options,
    fetch: async (url) => {
        if (url.endsWith("/oauth2/token")) {
            return new Response('{"access_token":"cf1b","expires_in":3600}');
        }
        if (url.endsWith("/login")) return new Response('{"sessionToken":"bcce3ea6-fe4f-4952"}');
        return instant();
    },
});
await alone.logIn();
const plain = async () => (await instant()).arrayBuffer();
const throughClient = async () => (await alone.call(account)).arrayBuffer();
for (const act of [plain, throughClient]) await timed(2000, act);
show("a response in memory, read", await timed(5000, plain));
show("a call with that response", await timed(5000, throughClient));

// On loopback, in turns, so that what else runs disturbs both alike.
const pairs = { plain: [], client: [] };
for (let round = 0; round < 20; round++) {
    const byFetch = async () => (await fetch(url, { headers, redirect: "manual" })).arrayBuffer();
    const byClient = async () => (await client.call(account)).arrayBuffer();
    pairs.plain.push(await timed(200, byFetch));
    pairs.client.push(await timed(200, byClient));
}
show("fetch on loopback", median(pairs.plain));
show("a call on loopback", median(pairs.client));

const large = new Uint8Array(1 << 20);
const big = new Client({
    ...options,
    fetch: async (url) =>
        url.endsWith("/oauth2/token")
            ? new Response('{"access_token":"cf1b","expires_in":3600}')
            : new Response(large),
});
const one = async () => (await big.call("/x", { tokens: "bearer" })).arrayBuffer();
await timed(50, one);
show("a response of 1 MiB in memory, read", await timed(200, async () => new Response(large).arrayBuffer()));
show("a call with that response", await timed(200, one));
console.log(`linear memory of the process: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`);
service.stop();
