// The example's worker in workerd, which miniflare runs, against a simulator on a port.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { Miniflare } from "miniflare";

import { Service, account, credentials } from "./service.mjs";

const here = new URL("..", import.meta.url);
const read = (path) => readFile(new URL(path, here));

let service;
let storage;
let worker;

beforeEach(async () => {
    service = await Service.start();
    storage = await mkdtemp(join(tmpdir(), "thingspace-fetch-"));
});

afterEach(async () => {
    await worker?.dispose();
    worker = undefined;
    service.stop();
    await rm(storage, { recursive: true, force: true });
});

/** Starts the worker, or starts it again with what is in its storage. */
async function start(password = credentials.password) {
    await worker?.dispose();
    const library = await read("thingspace.js");
    const module = await read("thingspace.wasm");
    // A bare name is looked for beside the one who imports it.
    const packages = ["test", "examples"].flatMap((folder) => [
        { type: "ESModule", path: `${folder}/thingspace-fetch`, contents: library },
        { type: "CompiledWasm", path: `${folder}/thingspace-fetch/thingspace.wasm`, contents: module },
    ]);
    worker = new Miniflare({
        compatibilityDate: "2025-06-01",
        modules: [
            { type: "ESModule", path: "test/object.js", contents: await read("test/object.js") },
            { type: "ESModule", path: "examples/worker.js", contents: await read("examples/worker.js") },
            ...packages,
        ],
        bindings: {
            THINGSPACE_BASE_URL: service.base,
            THINGSPACE_KEY: credentials.key,
            THINGSPACE_SECRET: credentials.secret,
            THINGSPACE_USERNAME: credentials.username,
            THINGSPACE_PASSWORD: password,
        },
        durableObjects: { THINGSPACE: { className: "Disturbed", useSQLite: true } },
        durableObjectsPersist: storage,
        handleRuntimeStdio: (out, error) => {
            out.resume();
            error.resume();
        },
    });
    await worker.ready;
}

const ask = (path) => worker.dispatchFetch(`http://worker${path}`);
const askJson = async (path) => (await ask(path)).json();
const at = (path, query = account) => `${path}?path=${encodeURIComponent(query)}`;

test("fifty concurrent callers make one login, and a restart none", async () => {
    await start();
    const statuses = await askJson(at("/crowd"));
    assert.deepEqual(statuses, Array(50).fill(200));
    const responses = await Promise.all(Array.from({ length: 50 }, () => ask(account)));
    assert(responses.every((response) => response.status === 200));
    for (const response of responses) {
        assert.equal((await response.json()).accountName, "0000123456-00001");
    }
    await ask("/idle");
    await start();
    assert.equal((await ask(account)).status, 200);
    const { seen } = await service.look();
    assert.deepEqual([seen.token, seen.login, seen.account], [1, 1, 101]);
});

test("law 3: the guard stays blocked over a restart and an eviction", async () => {
    await start("outdated");
    assert.equal((await askJson(account)).kind, "wrong_credentials");
    await ask("/idle");
    await start("outdated");
    assert.equal((await askJson(account)).kind, "blocked");
    await ask("/evict").catch(() => {});
    assert.equal((await askJson(account)).kind, "blocked");
    assert.equal((await askJson("/state")).loginGuard.blocked, "wrong_credentials");
    assert.equal((await service.look()).seen.login, 1);
    await start();
    assert.equal((await ask(account)).status, 200);
    assert.equal((await service.look()).seen.login, 2);
});

test("law 2: an object that is evicted in the middle of a login counts it", async () => {
    await start();
    await service.inject("login", "hang");
    const waiting = ask(account).catch(() => {});
    while ((await service.look()).seen.login === 0) await new Promise(setImmediate);
    await ask("/evict").catch(() => {});
    await waiting;
    // The login of the object that is gone holds its lease: others wait for it.
    const before = await askJson("/state");
    const call = await askJson(at("/timeout"));
    assert.deepEqual(call, { kind: "timed_out", outcome: "never_sent" });
    const state = await askJson("/state");
    assert.equal(before.loginGuard.failedLogins, 0, "nothing is loaded before it is needed");
    assert.equal(state.loginGuard.failedLogins, 1);
    assert.equal(state.operation, "login");
    assert.equal((await service.look()).seen.login, 1);
});

test("a fetch that hangs, is aborted or throws ends its own call alone", async () => {
    await start();
    assert.equal((await ask(account)).status, 200);
    await service.inject("account", "hang");
    assert.deepEqual(await askJson(at("/timeout")), { kind: "timed_out", outcome: "unknown" });
    assert.deepEqual(await askJson(at("/abort")), { kind: "aborted", outcome: "unknown" });
    const broken = await askJson("/broken");
    assert.deepEqual([broken.kind, broken.outcome], ["no_response", "never_sent"]);
    assert(broken.cause.length > 0);
    await service.inject("account", "drop");
    assert.equal((await ask(account)).status, 200);
    await ask("/idle");
    assert.equal((await service.look()).seen.login, 1);
});

test("law 6: workerd sends nothing a second time by itself", async () => {
    await start();
    assert.equal((await ask(account)).status, 200);
    await service.inject("devices", { after: "drop" });
    const lost = await askJson(at("/write", "/m2m/v1/devices/actions/list"));
    assert.deepEqual(lost, { kind: "no_response", outcome: "unknown" });
    assert.equal((await service.look()).seen.devices, 1);
});

test("law 9: workerd follows no redirect", async () => {
    await start();
    assert.equal((await ask(account)).status, 200);
    await service.inject("account", { redirect: `${service.base}/elsewhere` });
    assert.equal((await askJson(account)).kind, "refused");
    assert.equal((await service.look()).seen.unknown, 0);
});

test("after a panic the isolate lives, and another client goes on from the storage", async () => {
    await start();
    assert.equal((await ask(account)).status, 200);
    await ask("/idle");
    await ask("/crash");
    assert.equal((await askJson(account)).kind, "panicked");
    assert.equal((await ask(account)).status, 200);
    assert.equal((await service.look()).seen.login, 1);
});
