// The scenarios that every client passes (adapters/scenarios), as far as they apply to
// one without threads and without a connection of its own, and do not stand in
// node.test.mjs already. They have the same names.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryStore } from "../thingspace.js";
import { Service, VirtualClock, account, credentials, deferred } from "./service.mjs";
import { stage } from "./stage.mjs";

const it = stage();
const { client, failure, names, pass, seen } = it;

const MINUTE = 60_000;
const IDLE = 20 * MINUTE;
const devices = { path: "/m2m/v1/devices/actions/list", method: "POST", json: {} };
const crowd = (call) => Promise.all(Array.from({ length: 20 }, call));

/** A store that counts, and that fails as long as a test wants. */
class Register extends MemoryStore {
    loads = 0;
    saves = 0;
    isDown = false;
    refuses = () => false;

    load() {
        this.loads += 1;
        if (this.isDown) throw new Error("the store is down");
        return super.load();
    }

    save(saving) {
        this.saves += 1;
        if (this.isDown || this.refuses(saving)) throw new Error("the store is down");
        return super.save(saving);
    }

    get memory() {
        return JSON.parse(super.load().snapshot)["thingspace-session-3"].memory;
    }
}

/** A fetch that holds requests to this path back. */
function held(path) {
    const isHeld = deferred();
    const gate = deferred();
    const isOver = deferred();
    const send = async (url, init) => {
        if (!url.endsWith(path)) return fetch(url, init);
        isHeld.resolve();
        await gate.promise;
        return fetch(url, init).finally(isOver.resolve);
    };
    return { fetch: send, isHeld: isHeld.promise, goOn: gate.resolve, isOver: isOver.promise };
}

// session

test("logging in while a session is open sends nothing", async () => {
    const one = client();
    await one.logIn();
    await one.logIn();
    await one.call(account);
    await one.logIn();
    assert.deepEqual(await seen(), [1, 1, 1]);
});

test("a busy session outlives its bearer tokens and nothing is refused", async () => {
    const one = client({ clock: it.clock });
    for (let call = 0; call < 22; call++) {
        await one.call(account);
        await pass(8.5 * MINUTE);
    }
    const { seen, done, bearers_issued } = await it.service.look();
    assert.deepEqual([seen.login, seen.account, done.account, bearers_issued], [1, 22, 22, 3]);
});

test("logging out ends the session at the service, and without a session sends nothing", async () => {
    const one = client();
    assert.equal(await one.logOut(), false);
    assert.equal((await it.service.look()).seen_in_all, 0);
    await one.logIn();
    assert.equal((await it.service.look()).open_sessions, 1);
    assert.equal(await one.logOut(), true);
    const { seen, open_sessions } = await it.service.look();
    assert.deepEqual([seen.logout, open_sessions, one.state().isOpen], [1, 0, false]);
});

test("a refusal keeps its status, headers and code", async () => {
    const error = await failure(client().call({ ...devices, json: { deviceId: "'" } }));
    assert.deepEqual([error.kind, error.outcome, error.status], ["refused", "refused", 400]);
    assert.match(error.code, /Request\.InvalidCharacter$/);
    assert.equal(error.response.headers.get("content-type"), "application/json");
    assert.match(new TextDecoder().decode(error.response.body), /errorMessage/);
});

test("other credentials of the same user keep the session", async () => {
    const one = client();
    await one.call(account);
    await one.setCredentials({ ...credentials, password: "for later" });
    await one.call(account);
    assert.deepEqual(await seen(), [1, 1, 2]);
});

// sharing

test("law 1: a crowd whose session is idle makes one login", async () => {
    const one = client({ clock: it.clock });
    await one.call(account);
    await pass(IDLE);
    await crowd(() => one.call(account));
    assert.deepEqual(await seen(), [1, 2, 21]);
});

test("law 7: a crowd whose session is refused makes one login", async () => {
    const one = client();
    await one.call(account);
    await it.service.tell("forget_sessions");
    await crowd(() => one.call(account));
    const { seen, done } = await it.service.look();
    assert.deepEqual([seen.login, done.account], [2, 21]);
});

test("law 1: a crowd with an expired bearer fetches one bearer", async () => {
    const one = client({ clock: it.clock });
    for (let minutes = 0; minutes < 60; minutes += 15) {
        await one.call(account);
        await pass(15 * MINUTE);
    }
    await crowd(() => one.call(account));
    assert.deepEqual(await seen(), [2, 1, 24]);
});

// gateway

test("law 5: a bearer refused in any form costs a call one bearer", async () => {
    const one = client();
    await one.call(account);
    let fetches = 1;
    for (const form of ["gateway_xml", "gateway_json", "gateway_challenge", "unnamed"]) {
        await it.service.inject("devices", { tokens_refused: form });
        assert.equal((await one.call(devices)).status, 200);
        assert.deepEqual(await seen(), [++fetches, 1, 1], form);
    }
});

test("a session counts as ended whatever 401 its logout gets", async () => {
    const one = client();
    for (const form of ["gateway_xml", "gateway_json", "gateway_challenge", "unnamed"]) {
        await one.logIn();
        await it.service.inject("logout", { tokens_refused: form });
        assert.equal(await one.logOut(), true);
        assert(!one.state().isOpen, form);
    }
    assert.equal((await seen())[1], 4);
});

test("law 5: a dead session is recognised in another product's form", async () => {
    const one = client();
    await one.logIn();
    let logins = 1;
    for (const form of ["device_location", "cloud_connector"]) {
        await it.service.inject("devices", { tokens_refused: form });
        assert.equal((await one.call(devices)).status, 200);
        assert.equal((await seen())[1], ++logins, form);
    }
});

test("an application alone makes calls that take no session", async () => {
    const { key, secret } = credentials;
    const one = client({ credentials: { key, secret } });
    // The simulator has no such call: that it was sent is enough.
    assert.equal((await failure(one.call(devices, { tokens: "bearer" }))).outcome, "refused");
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.outcome], ["no_user", "never_sent"]);
    assert.deepEqual(await seen(), [1, 0, 0]);
});

// guard

test("law 2: a crowd loses no more than two logins", async () => {
    const one = client({ clock: it.clock, settings: { longestWait: 0 } });
    await it.service.tell("outage", { call: "login", fault: "drop" });
    for (const logins of [1, 2, 2, 2]) {
        const errors = await crowd(() => failure(one.call(account)));
        assert(errors.every((error) => error.outcome === "never_sent"));
        assert.equal((await seen())[1], logins);
        await pass(MINUTE);
    }
    assert(!(await it.service.look()).is_locked);
    await it.service.tell("end_outages");
    await one.unblock();
    assert.equal((await one.call(account)).status, 200);
});

test("law 2: two logins may be lost and two more hours apart", async () => {
    for (const fault of ["drop", { after: "drop" }, "garbage", { html: 502 }, "empty", "cut_short"]) {
        const one = client({ clock: it.clock, settings: { longestWait: 0 } });
        const before = (await seen())[1];
        await it.service.tell("outage", { call: "login", fault });
        await failure(one.logIn());
        await pass(MINUTE);
        await failure(one.logIn());
        for (const [logins, then] of [[2, 32 * MINUTE], [3, 125 * MINUTE], [4, 1000 * IDLE]]) {
            for (let again = 0; again < 3; again++) {
                const error = await failure(one.call(account));
                assert.equal((await seen())[1] - before, logins, JSON.stringify(fault));
                assert.equal(error.outcome, "never_sent");
                const guard = one.state().loginGuard;
                assert.deepEqual([guard.failedLogins, guard.attemptsLeft], [logins, 0]);
                assert.equal(guard.blocked, logins < 4 ? undefined : "budget_spent");
                assert.equal(error.kind, logins < 4 ? "backing_off" : "blocked");
            }
            await pass(then);
            await failure(one.call(account));
        }
        assert.equal((await seen())[1] - before, 4);
        await it.service.tell("end_outages");
        await one.unblock();
        assert.equal((await one.call(account)).status, 200);
        assert(!(await it.service.look()).is_locked);
    }
});

test("law 4: a stale bearer is not held against the password", async () => {
    const one = client({ clock: it.clock });
    await one.logIn();
    await pass(IDLE);
    await it.service.tell("forget_bearers");
    const call = one.call(account);
    await it.clock.until((wait) => wait === 1000);
    await pass(1000);
    await call;
    assert.deepEqual(await seen(), [2, 3, 1]);
    assert.equal((await it.service.look()).failed_logins, 0);
    assert.equal(one.state().loginGuard.failedLogins, 0);
});

test("law 2: a successful login clears the count of failed ones", async () => {
    const one = client({ clock: it.clock, settings: { longestWait: 0 } });
    for (let round = 0; round < 5; round++) {
        await it.service.inject("login", "drop");
        await failure(one.logIn());
        assert.equal(one.state().loginGuard.failedLogins, 1);
        await pass(MINUTE);
        await one.logIn();
        assert.equal(one.state().loginGuard.failedLogins, 0);
        await one.logOut();
    }
});

test("a user name that others locked is used again once it is unlocked", async () => {
    for (let careless = 0; careless < 5; careless++) {
        await failure(client({ credentials: { ...credentials, password: "outdated" } }).logIn());
    }
    assert((await it.service.look()).is_locked);
    const one = client();
    for (let again = 0; again < 5; again++) {
        assert.match((await failure(one.logIn())).kind, /^(wrong_credentials|blocked)$/);
    }
    assert.equal((await seen())[1], 6);
    await it.service.tell("unlock");
    await one.unblock();
    await one.logIn();
    assert.equal(one.state().loginGuard.failedLogins, 0);
});

test("a wrong application is not held against the user", async () => {
    const one = client();
    await one.setCredentials({ ...credentials, secret: "outdated" });
    assert.equal((await failure(one.logIn())).kind, "app_refused");
    assert.deepEqual(await seen(), [1, 0, 0]);
    await one.setCredentials(credentials);
    await one.logIn();
    assert.equal((await seen())[1], 1);
});

test("law 5: a session that another program kills again and again is not fought for", async () => {
    const one = client({ clock: it.clock, settings: { longestWait: 0 } });
    let error;
    for (let round = 0; round < 10 && !error; round++) {
        await one.logIn();
        await it.service.tell("forget_sessions");
        error = await one.call(account).then(
            () => undefined,
            (error) => error,
        );
    }
    assert.deepEqual([error.kind, error.outcome], ["cooling_down", "never_sent"]);
    assert(names().includes("cooling_down"));
    const logins = (await seen())[1];
    const later = await failure(one.call(account));
    assert.deepEqual([later.kind, later.outcome], ["cooling_down", "never_sent"]);
    assert.equal((await seen())[1], logins);
    await pass(later.retryAt - it.clock.now());
    assert.equal((await one.call(account)).status, 200);
});

// faults

test("an idempotent call survives every transient fault, and no other is executed twice", async () => {
    const transient = ["drop", "cut_short", { html: 502 }, { status: 408 }, { status: 503 }];
    const one = client();
    await one.logIn();
    for (const fault of transient) {
        for (const either of [fault, { after: fault }]) {
            if (fault === "cut_short" && either !== fault) continue;
            await it.service.inject("account", either);
            assert.equal((await one.call(account)).status, 200, JSON.stringify(either));
            const before = (await it.service.look()).done.devices;
            await it.service.inject("devices", either);
            const error = await failure(one.call(devices));
            assert.equal(error.outcome, "unknown", JSON.stringify(either));
            const done = (await it.service.look()).done.devices - before;
            assert.equal(done, either === fault && fault !== "cut_short" ? 0 : 1);
        }
    }
});

test("a token fetch is retried after a transient fault", async () => {
    for (const fault of ["drop", "garbage", "empty", "cut_short", { html: 502 }, { status: 503 }]) {
        const [before] = await seen();
        const one = client();
        await it.service.inject("token", fault);
        await one.logIn();
        assert.equal((await seen())[0] - before, 2, JSON.stringify(fault));
    }
});

test("law 8: a reset is sent once, and if it is lost it blocks the login guard", async () => {
    const faults = ["drop", "garbage", "empty", "cut_short", { html: 502 }, { status: 503 }];
    for (const fault of faults) {
        const before = (await it.service.look()).seen.reset;
        const { password } = await it.service.look();
        const one = client({ credentials: { ...credentials, password } });
        await one.logIn();
        await it.service.inject("reset", fault);
        const error = await failure(one.requestReset());
        assert.equal(error.passwordInDoubt, true, JSON.stringify(fault));
        assert.equal((await it.service.look()).seen.reset - before, 1);
        assert.equal(one.state().loginGuard.blocked, "password_in_doubt");
    }
});

test("a persistent fault is tried three times", async () => {
    const one = client();
    await one.logIn();
    await it.service.tell("outage", { call: "account", fault: { status: 503 } });
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.status, error.outcome], ["refused", 503, "unknown"]);
    assert.equal((await seen())[2], 3);
});

// A token fetch or login of all calls waits no longer than ten minutes.
test("a Retry-After of an hour is not waited for", async () => {
    for (const call of ["token", "login"]) {
        const one = client();
        await it.service.inject(call, { throttled: 3600 });
        const error = await failure(one.call(account));
        assert.deepEqual([error.kind, error.outcome], ["throttled", "never_sent"], call);
        assert.equal(error.prerequisite, call === "token" ? "token_fetch" : "login");
        assert(error.retryAt > new Date(Date.now() + 9 * MINUTE));
        const before = await seen();
        assert.match((await failure(one.call(account))).kind, /^(throttled|backing_off)$/);
        assert.deepEqual(await seen(), before);
    }
});

// limits

test("a response of the largest size is accepted and no larger one", async () => {
    const size = (length) => async (url, init) =>
        url.includes("/accounts/") ? new Response(new Uint8Array(length)) : fetch(url, init);
    const settings = { maxBody: 100_000, maxAttempts: 1 };
    const response = await client({ settings, fetch: size(100_000) }).call(account);
    assert.equal((await response.arrayBuffer()).byteLength, 100_000);
    const error = await failure(client({ settings, fetch: size(100_001) }).call(account));
    assert.equal(error.kind, "invalid_response");
});

test("law 10: an endless refusal is cut", async () => {
    const endless = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
    });
    const one = client({
        settings: { maxBody: 100_000 },
        fetch: async (url, init) =>
            url.includes("/accounts/") ? new Response(endless, { status: 400 }) : fetch(url, init),
    });
    const error = await failure(one.call(account));
    assert.deepEqual([error.kind, error.status], ["refused", 400]);
    assert(error.response.body.length <= 100_001);
});

test("law 12: a deadline ends a call that waits for the login of another", async () => {
    const login = held("/login");
    const one = client({ clock: it.clock, fetch: login.fetch });
    const patient = one.call(account);
    await login.isHeld;
    const hasty = failure(one.call(account, { timeout: 1000 }));
    it.clock.advance(1000);
    const error = await hasty;
    assert.deepEqual([error.kind, error.outcome], ["timed_out", "never_sent"]);
    login.goOn();
    assert.equal((await patient).status, 200);
    assert.deepEqual(await seen(), [1, 1, 1]);
});

test("law 12: a deadline ends a call that would back off beyond it", async () => {
    const one = client({ clock: it.clock });
    await one.logIn();
    await it.service.inject("account", { throttled: 10 });
    const error = await failure(one.call(account, { timeout: 5000 }));
    assert.deepEqual([error.kind, error.outcome], ["throttled", "refused"]);
    assert.equal((await seen())[2], 1);
});

// reset

test("a new password is confirmed again until another one is in use", async () => {
    const one = client();
    const first = await one.requestReset();
    for (let again = 0; again < 3; again++) await one.confirmReset(first);
    assert.equal(one.state().loginGuard.blocked, undefined);
    const second = await one.requestReset();
    await one.confirmReset(second);
    assert.equal((await failure(one.confirmReset(first))).kind, "not_awaited");
    await one.logOut();
    await one.logIn();
    assert.equal((await it.service.look()).failed_logins, 0);
});

test("a new password is not awaited after other credentials were given", async () => {
    const one = client({ clock: it.clock });
    const password = await one.requestReset();
    await one.setCredentials({ ...credentials, password: "for later" });
    assert.equal((await failure(one.confirmReset(password))).kind, "not_awaited");
    // The new one itself needs no confirmation.
    await one.setCredentials({ ...credentials, password });
    await one.confirmReset(password);
    await pass(IDLE);
    assert.equal((await one.call(account)).status, 200);
    assert.equal((await it.service.look()).failed_logins, 0);
});

test("law 8: a reset that outlasts its call leaves its new password", async () => {
    const reset = held("/reset");
    const one = client({ clock: it.clock, fetch: reset.fetch });
    await one.logIn();
    const hasty = failure(one.requestReset({ timeout: 1000 }));
    await reset.isHeld;
    it.clock.advance(1000);
    const error = await hasty;
    assert.deepEqual([error.kind, error.outcome], ["timed_out", "unknown"]);
    reset.goOn();
    await one.idle();
    assert.equal(one.state().loginGuard.blocked, "awaiting_confirmation");
    await one.confirmReset((await it.service.look()).password);
    await pass(IDLE);
    assert.equal((await one.call(account)).status, 200);
    const { seen, failed_logins } = await it.service.look();
    assert.deepEqual([seen.reset, failed_logins], [1, 0]);
});

// store

test("the session that one client opens the others use and end", async () => {
    const store = new Register();
    const [one, two, three] = [client({ store }), client({ store }), client({ store })];
    await one.logIn();
    await one.idle();
    await two.call(account);
    assert.equal(await three.logOut(), true);
    assert.deepEqual(await seen(), [1, 1, 1]);
    await one.sync();
    assert(!one.state().isOpen);
});

test("law 1: a call waits for the login of another client, and is woken by the store", async () => {
    const store = new Register(() => it.clock.now());
    const login = held("/login");
    const one = client({ store, clock: it.clock, fetch: login.fetch });
    const first = one.logIn();
    await login.isHeld;
    // Its clock stands still, so nothing but the store wakes it.
    const two = client({ store, clock: new VirtualClock() });
    const second = two.call(account);
    await two.sync();
    assert.equal(two.state().operation, "login");
    login.goOn();
    await first;
    assert.equal((await second).status, 200);
    assert.deepEqual(await seen(), [1, 1, 1]);
});

test("law 15: a thousand calls with an open session make no load and no save", async () => {
    const store = new Register(() => it.clock.now());
    const first = client({ store, clock: it.clock });
    await first.logIn();
    await first.sync();
    await first.idle();
    const one = client({ store, clock: it.clock });
    await one.logIn();
    [store.loads, store.saves] = [0, 0];
    await pass(MINUTE);
    for (let round = 0; round < 50; round++) await crowd(() => one.call(account));
    await one.logIn();
    assert.deepEqual([store.loads, store.saves], [0, 0]);
    // The last use is saved some minutes later, beside the calls.
    await pass(6 * MINUTE);
    await one.call(account);
    await one.idle();
    assert.equal(store.saves, 1);
    assert.equal((await seen())[1], 1);
});

test("law 15: a session whose login could not be saved is used at once", async () => {
    const store = new Register(() => it.clock.now());
    store.refuses = ({ snapshot }) => JSON.parse(snapshot)["thingspace-session-3"].memory.open !== null;
    const one = client({ store, clock: it.clock });
    await one.logIn();
    assert.equal((await one.call(account)).status, 200);
    assert.equal(store.memory.open, null);
    store.refuses = () => false;
    await pass(10_000);
    await one.call(account);
    await one.sync();
    assert.notEqual(store.memory.open, null);
    assert.equal((await seen())[1], 1);
});

test("law 15: a client that is made while its store is down works when it is back", async () => {
    const store = new Register(() => it.clock.now());
    store.isDown = true;
    const one = client({ store, clock: it.clock });
    for (let again = 0; again < 3; again++) {
        assert.equal((await failure(one.call(account))).kind, "store");
    }
    assert.equal((await it.service.look()).seen_in_all, 0);
    store.isDown = false;
    await pass(10_000);
    assert.equal((await one.call(account)).status, 200);
});

test("law 14: the login of a call that gives up goes on for all", async () => {
    const store = new Register();
    const login = held("/login");
    const one = client({ store, fetch: login.fetch });
    const two = client({ store });
    const giving = new AbortController();
    const given = failure(one.call(account, { signal: giving.signal }));
    await login.isHeld;
    giving.abort();
    assert.equal((await given).kind, "aborted");
    const waiting = two.call(account);
    login.goOn();
    assert.equal((await waiting).status, 200);
    await one.idle();
    assert.deepEqual(await seen(), [1, 1, 1]);
});

test("law 8: no client makes a login until a reset is confirmed", async () => {
    const store = new Register(() => it.clock.now());
    const [one, two] = [client({ store, clock: it.clock }), client({ store, clock: it.clock })];
    const password = await one.requestReset();
    await one.idle();
    await pass(IDLE);
    const error = await failure(two.call(account));
    assert.equal(error.loginGuard.blocked, "awaiting_confirmation");
    assert.equal((await seen())[1], 1);
    await one.confirmReset(password);
    await one.idle();
    // The other one has the old password: it makes no login with it.
    const outdated = await failure(two.call(account));
    assert.equal(outdated.loginGuard.blocked, "password_outdated");
    assert.equal((await seen())[1], 1);
    // One that starts now, with the new one, does.
    const three = client({ store, clock: it.clock, credentials: { ...credentials, password } });
    assert.equal((await three.call(account)).status, 200);
    assert.equal((await it.service.look()).failed_logins, 0);
});

test("law 8: a confirmation that could not be saved gives the password and may be retried", async () => {
    const store = new Register(() => it.clock.now());
    const one = client({ store, clock: it.clock });
    const password = await one.requestReset();
    await one.idle();
    store.isDown = true;
    const error = await failure(one.confirmReset(password));
    assert.deepEqual([error.kind, error.newPassword], ["not_confirmed", password]);
    store.isDown = false;
    await pass(10_000);
    await one.confirmReset(password);
    await pass(IDLE);
    assert.equal((await one.call(account)).status, 200);
    assert.equal((await it.service.look()).failed_logins, 0);
});

// headers, redirects, observers, transport

test("a client and a request keep their own user agents", async () => {
    const agents = [];
    const one = client({
        userAgent: "meter/7",
        fetch: (url, init) => {
            agents.push(new Headers(init.headers).get("user-agent"));
            return fetch(url, init);
        },
    });
    await one.call({ path: account, headers: { "user-agent": "reader/1" } });
    assert.deepEqual(agents, ["meter/7", "meter/7", "reader/1"]);
});

test("law 9: no redirect to another service is followed", async () => {
    const elsewhere = await Service.start();
    try {
        for (const status of [301, 302, 303, 307, 308]) {
            for (const call of ["token", "login", "account"]) {
                await it.service.inject(call, { redirect: elsewhere.base, with: status });
                const error = await failure(client().call(account));
                assert.equal(error.status, status, call);
            }
        }
        assert.equal((await elsewhere.look()).seen_in_all, 0);
    } finally {
        elsewhere.stop();
    }
});

test("everything is reported in order", async () => {
    const one = client();
    await one.call(account);
    await it.service.inject("account", "drop");
    await one.call(account);
    await it.service.tell("forget_sessions");
    await one.call(account);
    await one.logOut();
    const opened = ["bearer_fetched", "logged_in"];
    const replayed = ["session_refused", "replayed", "logged_in"];
    assert.deepEqual(names(), [...opened, "retried", ...replayed, "logged_out"]);
});

test("law 2: a login whose connection breaks counts, whatever the error says", async () => {
    const one = client({
        clock: it.clock,
        settings: { longestWait: 0 },
        fetch: (url, init) =>
            url.endsWith("/login") ? Promise.reject(new TypeError("refused")) : fetch(url, init),
    });
    await failure(one.logIn());
    assert.equal(one.state().loginGuard.failedLogins, 1);
});

test("every method is sent with a body and without", async () => {
    const sent = [];
    const one = client({
        fetch: async (url, init) => {
            if (!url.endsWith("/echo")) return fetch(url, init);
            // As strict as any fetch.
            sent.push(new Request(url, init));
            return new Response();
        },
    });
    for (const method of ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"]) {
        for (const body of method === "GET" || method === "HEAD" ? [""] : ["", "text"]) {
            await one.call({ path: "/m2m/echo", method, body });
            const request = sent.pop();
            assert.deepEqual([request.method, await request.text()], [method, body]);
        }
    }
});
