// The client in Node, against a simulator on a port.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { inspect } from "node:util";

import { Client, MemoryStore } from "../thingspace.js";
import { VirtualClock, account, credentials, deferred } from "./service.mjs";
import { stage } from "./stage.mjs";

const it = stage();
const { client, failure, names } = it;

test("a session opens on the first call and is reused", async () => {
    const one = client();
    const response = await one.call(account);
    assert.equal(response.status, 200);
    assert.equal((await response.json()).accountName, "0000123456-00001");
    await one.call({ path: account });
    const { seen, misdirected } = await it.service.look();
    assert.equal(seen.token + seen.login, 2);
    assert.equal(seen.account, 2);
    assert.equal(misdirected, 0);
    assert.deepEqual(names(), ["bearer_fetched", "logged_in"]);
    assert(one.state().isOpen);
    await one.idle();
});

test("a client is made with its module in one step, and from a file's bytes", async () => {
    const bytes = await readFile(new URL("../thingspace.wasm", import.meta.url));
    for (const source of [undefined, bytes, it.module]) {
        const one = await Client.create({ module: source, credentials, environment: it.service.base });
        assert.equal(one.state().environment, it.service.base);
    }
});

test("law 1: fifty callers make one login", async () => {
    const one = client();
    const responses = await Promise.all(Array.from({ length: 50 }, () => one.call(account)));
    assert(responses.every((response) => response.ok));
    const { seen } = await it.service.look();
    assert.deepEqual([seen.token, seen.login, seen.account], [1, 1, 50]);
});

test("law 5: a session that expired costs a call one replay", async () => {
    const one = client();
    await one.call(account);
    await it.service.tell("forget_sessions");
    assert.equal((await one.call(account)).status, 200);
    const { seen, done } = await it.service.look();
    assert.deepEqual([seen.login, seen.account, done.account], [2, 3, 2]);
    assert(names().includes("session_refused"));
});

test("law 5: a bearer that was refused costs a call one replay", async () => {
    const one = client();
    await one.call(account);
    await it.service.tell("forget_bearers");
    assert.equal((await one.call(account)).status, 200);
    const { seen } = await it.service.look();
    assert.deepEqual([seen.token, seen.login, seen.account], [2, 1, 3]);
    assert(names().includes("bearer_refused"));
});

test("an idle session is replaced before anything is refused", async () => {
    const clock = new VirtualClock();
    const one = client({ clock });
    await one.call(account);
    clock.advance(20 * 60_000);
    await it.service.tell("advance", { millis: 20 * 60_000 });
    await one.call(account);
    const { seen } = await it.service.look();
    assert.deepEqual([seen.login, seen.account], [2, 2]);
});

test("law 3: a wrong password fails one login, also after a restart with the store", async () => {
    const store = new MemoryStore();
    const wrong = { ...credentials, password: "outdated" };
    it.secrets.add("outdated");
    const one = client({ store, credentials: wrong });
    const errors = await Promise.all(Array.from({ length: 50 }, () => failure(one.call(account))));
    assert(errors.every((error) => ["wrong_credentials", "blocked"].includes(error.kind)));
    assert(errors.every((error) => error.outcome === "never_sent"));
    await one.idle();
    const two = client({ store, credentials: wrong });
    const error = await failure(two.call(account));
    assert.equal(error.kind, "blocked");
    assert.equal(error.loginGuard.blocked, "wrong_credentials");
    assert.match(error.message, /nothing was sent|was not sent/);
    assert.equal((await it.service.look()).seen.login, 1);
    await two.setCredentials(credentials);
    assert.equal((await two.call(account)).status, 200);
    assert(names().includes("logins_blocked") && names().includes("logins_unblocked"));
});

test("an unblocked guard makes one login more", async () => {
    const one = client({ credentials: { ...credentials, password: "outdated" } });
    await failure(one.logIn());
    await one.unblock();
    await failure(one.logIn());
    await failure(one.logIn());
    const { seen, failed_logins } = await it.service.look();
    assert.deepEqual([seen.login, failed_logins], [2, 2]);
});

test("law 8: until a reset is confirmed no login is made and the session goes on", async () => {
    const one = client({ store: new MemoryStore() });
    await one.logIn();
    const password = await one.requestReset();
    assert.equal(password, (await it.service.look()).password);
    assert.equal((await one.call(account)).status, 200);
    await it.service.tell("forget_sessions");
    // Others wait for the confirmation while the lease of the reset runs.
    const waiting = one.call(account);
    await one.confirmReset(password);
    assert.equal((await waiting).status, 200);
    assert.equal((await failure(one.confirmReset("another"))).kind, "not_awaited");
    assert.equal(await one.logOut(), true);
    assert.equal(await one.logOut(), false);
    const { seen } = await it.service.look();
    assert.deepEqual([seen.login, seen.reset], [2, 1]);
    assert(names().includes("password_reset") && names().includes("password_changed"));
});

test("law 8: a reset whose response is lost blocks the login guard", async () => {
    const store = new MemoryStore();
    const one = client({ store });
    await one.logIn();
    await it.service.inject("reset", { after: "drop" });
    const error = await failure(one.requestReset());
    assert.deepEqual([error.kind, error.outcome, error.passwordInDoubt], ["no_response", "unknown", true]);
    assert.equal((await one.call(account)).status, 200);
    await one.logOut();
    await one.idle();
    for (const again of [one, client({ store })]) {
        const blocked = await failure(again.call(account));
        assert.equal(blocked.loginGuard.blocked, "password_in_doubt");
    }
    const { seen, password } = await it.service.look();
    assert.deepEqual([seen.login, seen.reset], [1, 1]);
    await one.setCredentials({ ...credentials, password });
    assert.equal((await one.call(account)).status, 200);
});

test("law 8: what came of a reset that broke off is in its error, and is not shown", async () => {
    const one = client();
    await one.logIn();
    await it.service.inject("reset", "cut_short");
    const error = await failure(one.requestReset());
    assert.equal(error.passwordInDoubt, true);
    assert.equal(error.response.status, 200);
    assert(new TextDecoder().decode(error.response.body).includes("newPassword"));
    assert(!Object.keys(error).some((field) => ["response", "newPassword"].includes(field)));
});

test("a 429 is waited for if it is short, and reported if it is long", async () => {
    const one = client();
    await one.logIn();
    await it.service.inject("account", { throttled: 0 });
    assert.equal((await one.call(account)).status, 200);
    await it.service.inject("account", { throttled: 3600 });
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.status, error.outcome], ["throttled", 429, "refused"]);
    assert(error.retryAt > new Date(Date.now() + 3_000_000));
    assert.equal((await it.service.look()).seen.account, 3);
});

test("a call that is idempotent survives a dropped response", async () => {
    const one = client();
    await one.logIn();
    for (const fault of ["drop", { after: "drop" }, { status: 503 }, "cut_short"]) {
        await it.service.inject("account", fault);
        assert.equal((await one.call(account)).status, 200);
    }
    assert.equal(names().filter((name) => name === "retried").length, 4);
});

test("law 6: a call that is not idempotent is executed once at most", async () => {
    const one = client();
    await one.logIn();
    const devices = { path: "/m2m/v1/devices/actions/list", method: "POST", json: {} };
    await it.service.inject("devices", { after: "drop" });
    const error = await failure(one.call(devices));
    assert.deepEqual([error.kind, error.outcome], ["no_response", "unknown"]);
    assert.equal((await it.service.look()).seen.devices, 1);
    await it.service.inject("devices", { after: "drop" });
    assert.equal((await one.call(devices, { idempotent: true })).status, 200);
    assert.equal((await it.service.look()).done.devices, 3);
});

test("a login is retried after its response was lost, when its time has come", async () => {
    const clock = new VirtualClock();
    const one = client({ clock });
    await it.service.inject("login", "drop");
    const call = one.call(account);
    await clock.until(() => names().includes("login_lost"));
    assert.equal((await it.service.look()).seen.login, 1);
    clock.advance(30_000);
    assert.equal((await call).status, 200);
    assert.equal((await it.service.look()).seen.login, 2);
    assert(names().includes("login_lost"));
});

test("law 12: a fetch that hangs and hears no signal ends at its deadline", async () => {
    const clock = new VirtualClock();
    const hangs = deferred();
    let isHanging = false;
    const one = client({
        clock,
        settings: { maxAttempts: 1 },
        fetch: (url, init) => {
            if (!isHanging) return fetch(url, init);
            hangs.resolve();
            return new Promise(() => {});
        },
    });
    await one.logIn();
    isHanging = true;
    const call = failure(one.call(account));
    await hangs.promise;
    clock.advance(30_000);
    const error = await call;
    assert.deepEqual([error.kind, error.outcome], ["no_response", "unknown"]);
    assert.equal(error.cause, "no response in time");
    await one.idle();
    isHanging = false;
    assert.equal((await one.call(account)).status, 200);
});

test("law 12: a response that stalls ends at its deadline, and its part is given", async () => {
    const clock = new VirtualClock();
    const stalls = deferred();
    let isStalling = false;
    const one = client({
        clock,
        settings: { maxAttempts: 1 },
        fetch: async (url, init) => {
            if (!isStalling) return fetch(url, init);
            const body = new ReadableStream({
                pull(controller) {
                    if (isStalling === "begun") return stalls.resolve(), new Promise(() => {});
                    isStalling = "begun";
                    controller.enqueue(new TextEncoder().encode("half of"));
                },
            });
            return new Response(body, { status: 200 });
        },
    });
    await one.logIn();
    isStalling = true;
    const call = failure(one.call(account));
    await stalls.promise;
    // What was pulled last reaches the client in this turn of the loop.
    await new Promise(setImmediate);
    clock.advance(30_000);
    const error = await call;
    assert.equal(error.outcome, "unknown");
    assert.equal(new TextDecoder().decode(error.response.body), "half of");
});

test("law 12: a call's own time ends it, and the login that it began goes on", async () => {
    const clock = new VirtualClock();
    const one = client({ clock });
    const waits = deferred();
    const gate = deferred();
    const two = client({
        clock,
        fetch: async (url, init) => {
            if (url.endsWith("/login")) {
                waits.resolve();
                await gate.promise;
            }
            return fetch(url, init);
        },
    });
    assert.equal((await failure(one.call(account, { timeout: 0 }))).kind, "timed_out");
    const call = failure(two.call(account, { timeout: 1000 }));
    await waits.promise;
    clock.advance(1000);
    const error = await call;
    assert.deepEqual([error.kind, error.outcome], ["timed_out", "never_sent"]);
    gate.resolve();
    await two.idle();
    assert(two.state().isOpen);
    assert.equal((await it.service.look()).seen.login, 1);
});

test("a fetch that throws leaves the outcome unknown, and its words are looked through", async () => {
    let isDown = false;
    let sent = 0;
    const one = client({
        fetch: (url, init) => {
            if (!isDown) return fetch(url, init);
            sent += 1;
            const headers = JSON.stringify(Object.fromEntries(init.headers));
            throw new TypeError(`no route for ${headers} ${credentials.password}`);
        },
    });
    await one.logIn();
    isDown = true;
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.outcome, sent], ["no_response", "unknown", 3]);
    assert.match(error.cause, /^no route for .*…/);
    const posted = await failure(one.call({ path: "/m2m/v1/x", method: "POST" }));
    assert.deepEqual([posted.outcome, sent], ["unknown", 4]);
    // A request is never refused for what fetch would refuse, after it was counted as sent.
    for (const request of [{ path: account, method: "TRACE" }, { path: account, body: "x" }]) {
        const refused = await failure(one.call(request));
        assert.deepEqual([refused.kind, refused.outcome], ["request", "never_sent"]);
    }
    assert.equal(sent, 4);
});

test("law 14: a caller that gives up harms no other, and its login goes on", async () => {
    const waits = deferred();
    const gate = deferred();
    const one = client({
        fetch: async (url, init) => {
            if (url.endsWith("/login")) {
                waits.resolve();
                await gate.promise;
            }
            return fetch(url, init);
        },
    });
    const giving = new AbortController();
    const first = failure(one.call(account, { signal: giving.signal }));
    const others = Array.from({ length: 20 }, () => one.call(account));
    await waits.promise;
    giving.abort(new Error("enough"));
    const error = await first;
    assert.deepEqual([error.kind, error.name, error.outcome], ["aborted", "AbortError", "never_sent"]);
    assert.equal(error.cause.message, "enough");
    gate.resolve();
    assert((await Promise.all(others)).every((response) => response.ok));
    assert.equal((await it.service.look()).seen.login, 1);
    const late = await failure(one.call(account, { signal: giving.signal }));
    assert.deepEqual([late.kind, late.outcome], ["aborted", "never_sent"]);
});

test("a call that is given up after it was sent may have been executed", async () => {
    const sent = deferred();
    let aborted = false;
    const one = client({
        fetch: (url, init) => {
            if (!url.includes("/accounts/")) return fetch(url, init);
            init.signal.addEventListener("abort", () => (aborted = true));
            sent.resolve();
            return new Promise(() => {});
        },
    });
    const giving = new AbortController();
    const call = failure(one.call(account, { signal: giving.signal }));
    await sent.promise;
    giving.abort();
    assert.equal((await call).outcome, "unknown");
    assert(aborted);
    await one.idle();
});

test("law 14: a thousand calls that give up at once harm no login", async () => {
    const one = client({ store: new MemoryStore() });
    const calls = Array.from({ length: 1000 }, () => {
        const giving = new AbortController();
        const call = failure(one.call(account, { signal: giving.signal }));
        queueMicrotask(() => giving.abort());
        return call;
    });
    assert((await Promise.all(calls)).every((error) => error.kind === "aborted"));
    await one.call(account);
    const { seen } = await it.service.look();
    assert.deepEqual([seen.token, seen.login, seen.account], [1, 1, 1]);
});

test("law 14: a callback that throws or calls the client harms nobody", async () => {
    let inner;
    const one = client({
        onEvent: (event) => {
            if (event.name === "bearer_fetched") inner = one.call(account);
            if (event.name === "logged_in") assert(one.state().isOpen);
            if (event.name === "logged_in") return Promise.reject(new Error("too late"));
            throw new Error("no");
        },
    });
    assert.equal((await one.call(account)).status, 200);
    assert.equal((await inner).status, 200);
    assert.equal((await it.service.look()).seen.login, 1);
});

test("law 9: no redirect is followed", async () => {
    const one = client();
    await one.logIn();
    await it.service.inject("account", { redirect: `${it.service.base}/elsewhere` });
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.status], ["refused", 307]);
    assert.equal((await it.service.look()).seen.unknown, 0);
});

test("law 9: tokens go nowhere but to the environment", async () => {
    const one = client();
    for (const path of ["https://evil.example/api/m2m", "/../m2m", "m2m", "/m2m/v1/session/login"]) {
        const error = await failure(one.call({ path, method: "POST" }));
        assert.deepEqual([error.kind, error.outcome], ["request", "never_sent"]);
    }
    assert.equal((await it.service.look()).seen.unknown, 0);
});

test("law 10: an endless response is cut, and its rest is not read", async () => {
    const one = client({ settings: { maxBody: 100_000, maxAttempts: 1 } });
    await one.logIn();
    await it.service.inject("account", "endless");
    const error = await failure(one.call(account));
    assert.equal(error.kind, "invalid_response");
    assert.equal(error.response.body.length, 100_001);
    assert.equal((await one.call(account)).status, 200);
});

test("a fetch that gives no response of HTTP fails the call and nothing else", async () => {
    let give;
    const one = client({
        settings: { maxAttempts: 1 },
        fetch: (url, init) => (give ? give() : fetch(url, init)),
    });
    await one.logIn();
    for (const nonsense of [
        () => null,
        () => ({ status: 1000, headers: [] }),
        () => ({ status: "x", headers: [] }),
        () => Response.error(),
        () => Promise.reject(null),
    ]) {
        give = nonsense;
        const error = await failure(one.call(account));
        assert.deepEqual([error.kind, error.outcome], ["no_response", "unknown"]);
    }
    give = undefined;
    assert.equal((await one.call(account)).status, 200);
});

test("a browser's redirect, whose status is hidden, is a redirect", async () => {
    let isRedirected = false;
    const one = client({
        fetch: (url, init) =>
            isRedirected ? { type: "opaqueredirect", status: 0, headers: [] } : fetch(url, init),
    });
    await one.logIn();
    isRedirected = true;
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.status], ["refused", 302]);
});

test("bytes and headers arrive as they were given", async () => {
    const body = new Uint8Array(256).map((_, index) => index);
    const seen = [];
    const one = client({
        fetch: async (url, init) => {
            if (!url.endsWith("/echo?a=b%20c")) return fetch(url, init);
            seen.push(init);
            const headers = [["x-bytes", "\u00e9"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]];
            return new Response(init.body, { headers });
        },
    });
    const given = { path: "/m2m/echo?a=b%20c", method: "put", body, headers: { "X-Mine": "\u00e9" } };
    for (const request of [given, new Request(`${it.service.base}${given.path}`, { ...given, method: "PUT" })]) {
        const response = await one.call(request);
        assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
        assert.equal(response.headers.get("x-bytes"), "\u00e9");
        assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    }
    const sent = Object.fromEntries(seen[0].headers);
    assert.equal(sent["x-mine"], "\u00e9");
    assert.equal(sent["user-agent"], "thingspace/0.1.0");
    assert.equal(seen[0].method, "PUT");
});

test("law 1: two clients with one store make one login for both", async () => {
    const store = new MemoryStore();
    const both = [client({ store }), client({ store })];
    const calls = both.flatMap((one) => Array.from({ length: 10 }, () => one.call(account)));
    assert((await Promise.all(calls)).every((response) => response.ok));
    await Promise.all(both.map((one) => one.idle()));
    const { seen } = await it.service.look();
    assert.deepEqual([seen.token, seen.login, seen.account], [1, 1, 20]);
    // One that is started later continues the session.
    assert.equal((await client({ store }).call(account)).status, 200);
    assert.equal((await it.service.look()).seen.login, 1);
});

test("law 15: nothing is sent that could not be saved", async () => {
    const memory = new MemoryStore();
    let fault;
    const store = {
        load: () => (fault ? fault("load") : memory.load()),
        save: (saving) => (fault ? fault("save") : memory.save(saving)),
    };
    const one = client({ store });
    const faults = [
        () => {
            throw new Error(`out of order with ${credentials.password}`);
        },
        () => Promise.reject(new Error("out of order")),
        (what) => (what === "load" ? { snapshot: "{}", age: 0 } : true),
        (what) => (what === "load" ? undefined : "yes"),
        (what) => (what === "load" ? 5 : true),
    ];
    for (fault of faults) {
        const another = client({ store });
        const error = await failure(another.call(account));
        assert.deepEqual([error.kind, error.outcome], ["store", "never_sent"]);
        assert(error.cause.length > 0);
    }
    const { seen } = await it.service.look();
    assert.equal(seen.token + seen.login, 0);
    fault = undefined;
    await one.logIn();
    await one.idle();
    // The open session goes on without its store.
    fault = faults[0];
    assert.equal((await one.call(account)).status, 200);
});

test("law 12: a store that hangs is taken for down", async () => {
    const clock = new VirtualClock();
    const asked = deferred();
    const store = {
        load: () => {
            asked.resolve();
            return new Promise(() => {});
        },
        save: () => false,
    };
    const one = client({ store, clock });
    const call = failure(one.call(account));
    await asked.promise;
    clock.advance(10_000);
    assert.equal((await call).kind, "store");
    await one.idle();
});

test("law 11: a session continues where a store says how old it is", async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore(() => clock.now());
    await client({ store, clock }).logIn();
    for (const [minutes, logins] of [[18, 1], [20, 2]]) {
        clock.advance(minutes * 60_000);
        await it.service.tell("advance", { millis: minutes * 60_000 });
        // Another clock is hours behind: only the store's counts.
        const behind = new VirtualClock();
        behind.back(5 * 3_600_000);
        const one = client({ store, clock: behind });
        await one.call(account);
        await one.sync();
        assert.equal((await it.service.look()).seen.login, logins);
    }
});

test("a panic ends every call with an error, and a new client goes on from the store", async () => {
    const store = new MemoryStore();
    const sent = deferred();
    let isHanging = false;
    const one = client({
        store,
        fetch: (url, init) => {
            if (!isHanging) return fetch(url, init);
            sent.resolve();
            return new Promise(() => {});
        },
    });
    await one.logIn();
    await one.idle();
    isHanging = true;
    const calls = [failure(one.call(account)), failure(one.idle())];
    await sent.promise;
    one.crash();
    for (const error of await Promise.all(calls)) {
        assert.deepEqual([error.kind, error.outcome], ["panicked", "unknown"]);
        assert(error.cause instanceof WebAssembly.RuntimeError);
    }
    for (const later of [one.call(account), one.logIn(), one.logOut(), one.sync()]) {
        const error = await failure(later);
        assert.deepEqual([error.kind, error.outcome], ["panicked", "never_sent"]);
    }
    assert.throws(() => one.state(), { kind: "panicked" });
    const two = client({ store });
    assert.equal((await two.call(account)).status, 200);
    assert.equal((await it.service.look()).seen.login, 1);
});

test("options and calls that make no sense are refused without showing them", async () => {
    const secret = "hunter2hunter2";
    for (const options of [
        { credentials: { key: "k" } },
        { credentials: { ...credentials, password: 5 } },
        { credentials: { ...credentials, pasword: secret } },
        { credentials: { ...credentials, password: `${secret}\n` } },
        { environment: "http://thingspace.verizon.com/api" },
        { settings: { maxFailedLogins: 5 } },
        { settings: { attemptTimeout: secret } },
        { userAgent: "a\nb" },
    ]) {
        const make = () => new Client({ module: it.module, credentials, ...options });
        assert.throws(make, (error) => {
            assert(error instanceof TypeError);
            assert(!inspect(error).includes(secret));
            return true;
        });
    }
    const one = client();
    await assert.rejects(one.call(account, { timeout: "soon" }), TypeError);
    await assert.rejects(one.call({ path: account, method: "POST", body: {} }), TypeError);
    assert.equal((await failure(one.setCredentials({ ...credentials, username: "x" }))).kind, "credentials");
    assert.equal((await one.call(account)).status, 200);
});

test("a clock that is set back stops nothing", async () => {
    const clock = new VirtualClock();
    const one = client({ clock });
    await one.logIn();
    clock.back(24 * 3_600_000);
    assert.equal((await one.call(account)).status, 200);
    assert.equal((await it.service.look()).seen.login, 1);
});
