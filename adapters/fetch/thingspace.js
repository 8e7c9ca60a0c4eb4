// A ThingSpace client for wherever there is fetch. This is glue: what it sends, saves,
// waits for and gives back, the module says, and no rule of the session stands here.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NO_BYTES = new Uint8Array();

/**
 * Compiles the module: the one beside this file, or another source of it. Where a host
 * compiles modules itself, as Cloudflare's workers do, import it there instead.
 */
export async function compile(source = new URL("./thingspace.wasm", import.meta.url)) {
    source = await source;
    if (source instanceof WebAssembly.Module) return source;
    if (typeof source === "string") source = new URL(source);
    if (source instanceof URL && source.protocol === "file:") {
        // Named by a variable, since bundlers for browsers have no such module.
        const files = "node:fs/promises";
        source = await (await import(files)).readFile(source);
    } else if (source instanceof URL) {
        source = await fetch(source);
        if (!source.ok) throw new Error(`thingspace.wasm could not be loaded: ${source.status}`);
    }
    if (source instanceof Response) source = await source.arrayBuffer();
    return WebAssembly.compile(source);
}

let httpClient;

/**
 * Returns the platform's own fetch, for clients that are given none. Deno's sends a
 * request again by itself, also one that was executed, if its connection was in use before
 * and closes without a response. So there every request has a connection of its own.
 */
export function platformFetch() {
    const { Deno, fetch } = globalThis;
    if (!Deno?.createHttpClient) return fetch;
    httpClient ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    return (url, init) => fetch(url, { ...init, client: httpClient });
}

/** The error of a call. Its message says what happened and what to do next. */
export class ThingspaceError extends Error {
    constructor(fault, { cause, response } = {}) {
        super(fault.message, cause === undefined ? undefined : { cause });
        this.name = fault.kind === "aborted" ? "AbortError" : "ThingspaceError";
        this.kind = fault.kind;
        this.outcome = fault.outcome;
        this.prerequisite = fault.prerequisite ?? undefined;
        this.passwordInDoubt = fault.passwordInDoubt ?? false;
        this.retryAt = date(fault.retryAt);
        this.status = fault.status ?? undefined;
        this.code = fault.code ?? undefined;
        this.loginGuard = guard(fault.loginGuard);
        // These may hold a password, so nothing shows them by itself.
        hide(this, "response", response);
        hide(this, "newPassword", fault.newPassword ?? undefined);
    }
}

/** A store in memory, for clients of one process. */
export class MemoryStore {
    #record;
    #now;
    #watchers = new Set();

    constructor(now = () => Date.now()) {
        this.#now = now;
    }

    load() {
        const record = this.#record;
        return record && { snapshot: record.snapshot, age: this.#now() - record.savedAt };
    }

    save({ seen, revision, snapshot }) {
        if ((this.#record?.revision ?? null) !== seen) return false;
        this.#record = { revision, snapshot, savedAt: this.#now() };
        for (const watcher of this.#watchers) queueMicrotask(watcher);
        return true;
    }

    watch(watcher) {
        this.#watchers.add(watcher);
    }
}

/** A store in the storage of a Durable Object. */
export class DurableObjectStore {
    #storage;
    #key;

    constructor(storage, key = "thingspace-session") {
        this.#storage = storage;
        this.#key = key;
    }

    async load() {
        const record = await this.#storage.get(this.#key);
        return record && { snapshot: record.snapshot, age: Date.now() - record.savedAt };
    }

    save({ seen, revision, snapshot }) {
        return this.#storage.transaction(async (transaction) => {
            const record = await transaction.get(this.#key);
            if ((record?.revision ?? null) !== seen) return false;
            await transaction.put(this.#key, { revision, snapshot, savedAt: Date.now() });
            return true;
        });
    }
}

/** A client: one session, shared by all of its calls. */
export class Client {
    #exports;
    #fetch;
    #store;
    #clock;
    #onEvent;
    #queue = [];
    #isBusy = false;
    #broken;
    #timer;
    #lastCall = 0;
    #calls = new Map();
    #exchanges = new Map();
    #isIdle = true;
    #idleWaiters = [];
    #state;
    #events = [];

    /** Makes a client whose module is compiled first, if none is given. */
    static async create(options) {
        return new Client({ ...options, module: await compile(options.module) });
    }

    constructor(options) {
        const { module, credentials, environment, store, settings, userAgent, seed, onEvent } =
            options;
        if (!(module instanceof WebAssembly.Module)) {
            throw new TypeError("module is no WebAssembly.Module; await Client.create instead");
        }
        this.#fetch = options.fetch ?? platformFetch();
        this.#store = store;
        this.#clock = options.clock;
        this.#onEvent = onEvent;
        this.#exports = new WebAssembly.Instance(module, {}).exports;
        const hex = (seed ?? random()).toString(16);
        const invalid = this.#input(
            {
                create: {
                    credentials,
                    environment,
                    seed: hex,
                    store: store && { pollInterval: store.pollInterval },
                    userAgent,
                    settings,
                },
            },
            NO_BYTES,
        );
        if (this.#broken) throw this.#broken;
        if (invalid !== undefined) throw new TypeError(`the options are invalid: ${invalid}`);
        store?.watch?.(() => this.#post("storeChanged"));
    }

    /** Makes a call, and returns its response. */
    call(request, { signal, timeout, idempotent, tokens } = {}) {
        const options = { timeout, idempotent, tokens };
        const begin = ([given, body]) =>
            this.#start((call) => ({ call: { call, request: given, ...options } }), signal, body);
        if (request instanceof Request) return readRequest(request).then(begin);
        try {
            return begin(requestOf(request));
        } catch (error) {
            return Promise.reject(error);
        }
    }

    /** Opens a session, unless one is open. There is no need to. */
    async logIn(options) {
        await this.#own("logIn", options);
    }

    /** Ends the session. Returns true if one was open. */
    logOut(options) {
        return this.#own("logOut", options);
    }

    /** The first half of a reset: resets the password, and returns the new one. */
    requestReset(options) {
        return this.#own("requestReset", options);
    }

    /** The second half of a reset: the client uses the new password from now on. */
    async confirmReset(password, { signal, timeout } = {}) {
        await this.#start((call) => ({ confirm: { call, password, timeout } }), signal);
    }

    /** Uses other credentials of the same application and user from now on. */
    async setCredentials(credentials) {
        await this.#start((call) => ({ credentials: { call, credentials } }));
    }

    /** Allows one login with the credentials as they are, whatever has failed before. */
    async unblock() {
        await this.#own("unblock");
    }

    /** Ends the pause before the next token fetch or login. */
    async retryNow() {
        await this.#own("retryNow");
    }

    /** Loads what others have saved, and saves what they do not have. */
    async sync(options) {
        await this.#own("sync", options);
    }

    /** The state of the session, without its tokens. */
    state() {
        if (this.#broken) throw this.#error(this.#broken);
        this.#post("look");
        if (this.#broken) throw this.#error(this.#broken);
        return this.#state;
    }

    /** Waits until nothing is in progress: no call, no operation, no save. */
    idle() {
        if (this.#broken) return Promise.reject(this.#error(this.#broken));
        if (this.#isIdle) return Promise.resolve();
        return new Promise((resolve, reject) => this.#idleWaiters.push({ resolve, reject }));
    }

    /** Breaks this client as a panic would, for tests of what comes after it. */
    crash() {
        this.#post("crash");
    }

    #own(what, { signal, timeout } = {}) {
        return this.#start((call) => ({ own: { call, what, timeout } }), signal);
    }

    /** Begins a call. */
    #start(make, signal, body = NO_BYTES) {
        if (this.#broken) return Promise.reject(this.#error(this.#broken, "never_sent"));
        const call = ++this.#lastCall;
        const abort = () => this.#post({ cancel: { call } });
        return new Promise((resolve, reject) => {
            this.#calls.set(call, {
                resolve,
                reject,
                signal,
                end: () => signal?.removeEventListener("abort", abort),
            });
            signal?.addEventListener("abort", abort, { once: true });
            this.#isIdle = false;
            this.#post(signal?.aborted ? { givenUp: { call } } : make(call), body);
        });
    }

    /** Tells the module what happened, one after the other. */
    #post(what, body = NO_BYTES) {
        this.#queue.push([what, body]);
        if (this.#isBusy) return;
        this.#isBusy = true;
        try {
            while (this.#queue.length > 0) {
                const [next, bytes] = this.#queue.shift();
                this.#refuse(next, this.#input(next, bytes));
            }
        } finally {
            this.#isBusy = false;
        }
        // A callback may use the client, so nothing is in progress here meanwhile.
        for (const event of this.#events.splice(0)) this.#report(event);
    }

    /** Ends what the module could not take. */
    #refuse(what, invalid) {
        if (invalid === undefined) return;
        const [{ call }] = Object.values(what);
        this.#settle(call)?.reject(new TypeError(`the call is invalid: ${invalid}`));
    }

    /** Tells the module what happened, and does what it says. */
    #input(what, body) {
        if (this.#broken) return;
        const wasm = this.#exports;
        let todo;
        try {
            const now = Math.floor(this.#clock ? this.#clock.now() : Date.now());
            const steady = this.#clock ? undefined : Math.floor(performance.now());
            const json = encoder.encode(JSON.stringify({ now, steady, what }));
            const at = wasm.thingspace_buffer(json.length + body.length);
            const buffer = new Uint8Array(wasm.memory.buffer, at, json.length + body.length);
            buffer.set(json);
            buffer.set(body, json.length);
            const length = wasm.thingspace_input(json.length);
            todo = JSON.parse(decoder.decode(this.#bytes(wasm.thingspace_output(), length)));
        } catch (error) {
            this.#break(error);
            return;
        }
        const { effects, wake, idle, invalid } = todo;
        if (invalid !== undefined) return invalid;
        const take = (number) =>
            this.#bytes(wasm.thingspace_body(number), wasm.thingspace_body_length(number)).slice();
        for (const effect of effects) this.#perform(effect, take);
        const timers = this.#clock ?? globalThis;
        if (this.#timer !== undefined) timers.clearTimeout(this.#timer);
        this.#timer = undefined;
        if (wake !== undefined) this.#timer = timers.setTimeout(() => this.#post("wake"), wake);
        this.#isIdle = idle && this.#queue.length === 0;
        if (this.#isIdle) for (const waiter of this.#idleWaiters.splice(0)) waiter.resolve();
    }

    #bytes(at, length) {
        return new Uint8Array(this.#exports.memory.buffer, at, length);
    }

    #perform(effect, take) {
        const [[kind, it]] = Object.entries(effect);
        switch (kind) {
            case "send":
                return this.#send(it, take(it.body));
            case "abort":
                return this.#exchanges.get(it.exchange)?.();
            case "load":
                return this.#load(it);
            case "save":
                return this.#save(it);
            case "done":
                return this.#settle(it.call)?.resolve(resultOf(it.result, take));
            case "failed":
                return this.#fail(it, take);
            case "event":
                return void this.#events.push(it);
            case "state":
                this.#state = stateOf(it);
        }
    }

    /** Sends a request. Whatever comes of it, the module hears of it once. */
    #send({ exchange, method, url, headers, readLimit }, body) {
        const controller = new AbortController();
        const pieces = [];
        let size = 0;
        let head = null;
        let isOver = false;
        const end = (what) => {
            if (isOver) return;
            isOver = true;
            this.#exchanges.delete(exchange);
            this.#post(what, joined(pieces, size));
        };
        const fail = (error) => end({ failed: { exchange, error: words(error), response: head } });
        this.#exchanges.set(exchange, () => {
            fail("given up");
            controller.abort();
        });
        const send = async () => {
            const fetch = this.#fetch;
            const response = await fetch(url, {
                method,
                headers,
                body: body.length > 0 ? body : undefined,
                redirect: "manual",
                signal: controller.signal,
            });
            if (response.type === "error") throw new Error("fetch gave a network error");
            head = { status: response.status, headers: [...response.headers] };
            const reader = response.body?.getReader();
            while (reader && size < readLimit && !isOver) {
                const { done, value } = await reader.read();
                if (done) break;
                const piece = value.subarray(0, readLimit - size);
                pieces.push(piece);
                size += piece.length;
            }
            if (size >= readLimit) reader?.cancel().catch(() => {});
            end({ response: { exchange, response: head } });
        };
        send().catch(fail);
    }

    async #load({ access }) {
        try {
            const has = (await this.#store.load()) ?? undefined;
            const record = has && { snapshot: has.snapshot, age: Math.trunc(has.age) };
            this.#post({ loaded: { access, record } });
        } catch (error) {
            this.#post({ storeFailed: { access, error: words(error) } });
        }
    }

    async #save({ access, seen = null, revision, snapshot }) {
        try {
            const saved = await this.#store.save({ seen, revision, snapshot });
            this.#post({ saved: { access, saved } });
        } catch (error) {
            this.#post({ storeFailed: { access, error: words(error) } });
        }
    }

    /** Takes a call out of those that have not ended. */
    #settle(call) {
        const found = this.#calls.get(call);
        this.#calls.delete(call);
        found?.end();
        return found;
    }

    #fail({ call, error }, take) {
        const response = error.response && responseOf(error.response, take, true);
        const found = this.#settle(call);
        const cause = error.kind === "aborted" ? found?.signal?.reason : (error.cause ?? undefined);
        found?.reject(new ThingspaceError(error, { cause, response }));
    }

    /** Reports an event. What the callback does wrong harms nobody. */
    #report(event) {
        if (!this.#onEvent) return;
        const { at, until, ...rest } = event;
        const shown = { ...rest, at: date(at) };
        if (until !== undefined) shown.until = date(until);
        try {
            Promise.resolve(this.#onEvent(shown)).catch(() => {});
        } catch {}
    }

    /** Ends everything after a panic. Nothing more is executed in the instance. */
    #break(error) {
        this.#broken = new ThingspaceError(
            {
                kind: "panicked",
                outcome: "unknown",
                message:
                    "the client has failed in a way that it can't go on from, and executes nothing any more; make a new one, with the same store",
            },
            { cause: error },
        );
        this.#exports = undefined;
        this.#queue.length = 0;
        const timers = this.#clock ?? globalThis;
        if (this.#timer !== undefined) timers.clearTimeout(this.#timer);
        for (const giveUp of [...this.#exchanges.values()]) giveUp();
        for (const call of [...this.#calls.keys()]) {
            this.#settle(call).reject(this.#error(this.#broken));
        }
        for (const waiter of this.#idleWaiters.splice(0)) waiter.reject(this.#error(this.#broken));
    }

    /** The error of a broken client, for one more caller. */
    #error({ kind, outcome, message, cause }, instead = outcome) {
        return new ThingspaceError({ kind, outcome: instead, message }, { cause });
    }
}

function random() {
    return crypto.getRandomValues(new BigUint64Array(1))[0];
}

async function readRequest(request) {
    const { method, url, headers } = request;
    const body = new Uint8Array(await request.arrayBuffer());
    return [{ method, url, headers: [...headers] }, body];
}

function requestOf(given) {
    if (typeof given === "string" || given instanceof URL) {
        return [{ method: "GET", url: String(given), headers: [] }, NO_BYTES];
    }
    const { path, method = "GET", headers, body, json } = given;
    const bytes = json === undefined ? bytesOf(body) : encoder.encode(JSON.stringify(json));
    const list = headers === undefined ? [] : [...new Headers(headers)];
    return [{ method: method.toUpperCase(), url: String(path), headers: list }, bytes];
}

function bytesOf(body) {
    if (body === undefined || body === null) return NO_BYTES;
    if (typeof body === "string") return encoder.encode(body);
    if (body instanceof ArrayBuffer) return new Uint8Array(body);
    if (ArrayBuffer.isView(body)) {
        return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    }
    throw new TypeError("a body is text or bytes; give a value as json");
}

function resultOf(result, take) {
    if (result === undefined) return undefined;
    const [[kind, it]] = Object.entries(result);
    return kind === "response" ? responseOf(it, take) : it;
}

/** A response of the platform's own; for an error, what one shows of itself. */
function responseOf({ status, headers, body }, take, isOfError = false) {
    const bytes = take(body);
    if (isOfError) return { status, headers: new Headers(headers), body: bytes };
    return new Response(bytes.length > 0 ? bytes : null, { status, headers });
}

function stateOf(state) {
    return {
        ...state,
        openedAt: date(state.openedAt),
        lastUsed: date(state.lastUsed),
        bearerRenewal: date(state.bearerRenewal),
        delayedUntil: date(state.delayedUntil),
        operation: state.operation ?? undefined,
        loginGuard: guard(state.loginGuard),
    };
}

function guard(given) {
    if (!given) return undefined;
    return {
        ...given,
        blocked: given.blocked ?? undefined,
        nextLogin: date(given.nextLogin),
        lastFailure: given.lastFailure ?? undefined,
    };
}

function date(millis) {
    return millis === undefined || millis === null ? undefined : new Date(millis);
}

function hide(object, name, value) {
    Object.defineProperty(object, name, { value, enumerable: false });
}

function joined(pieces, size) {
    if (pieces.length === 1) return pieces[0];
    const all = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
    }
    return all;
}

/** What an error says. The module takes every secret out of it. */
function words(error) {
    try {
        const inner = error?.cause?.message || error?.cause?.code;
        return [error?.message ?? error, inner].filter(Boolean).join(": ") || "no reason given";
    } catch {
        return "no reason given";
    }
}
