// The simulated service of the tests, a clock that stands still, and a fetch that
// remembers every secret that it saw.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { platformFetch } from "../thingspace.js";

// The fetches of the tests send by it as well.
globalThis.fetch = platformFetch();

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));

/** A simulator in a process of its own. */
export class Service {
    static async start() {
        const service = new Service();
        const program = process.env.THINGSPACE_SERVICE ?? `${target}/debug/examples/service`;
        service.process = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
        service.lines = createInterface({ input: service.process.stdout })[Symbol.asyncIterator]();
        service.base = (await service.#line()).base;
        return service;
    }

    async #line() {
        const { value, done } = await this.lines.next();
        if (done) throw new Error("the service has ended");
        const reply = JSON.parse(value);
        if (reply.error) throw new Error(reply.error);
        return reply;
    }

    tell(command, more = {}) {
        const line = JSON.stringify({ do: command, ...more });
        this.last = Promise.resolve(this.last).then(() => {
            this.process.stdin.write(`${line}\n`);
            return this.#line();
        });
        return this.last;
    }

    inject(call, fault) {
        return this.tell("inject", { call, fault });
    }

    look() {
        return this.tell("look");
    }

    stop() {
        this.process.stdin.end();
    }
}

export const credentials = {
    key: "simulated-key",
    secret: "simulated-secret",
    username: "zbeeblebrox",
    password: "IMgr8",
};

export const account = "/m2m/v1/accounts/0000123456-00001";

/** A clock that stands still until it is advanced; only a few milliseconds pass by themselves. */
export class VirtualClock {
    #now = Date.now();
    #timers = new Map();
    #last = 0;
    #waiters = [];

    now() {
        return this.#now;
    }

    setTimeout(callback, milliseconds) {
        this.#timers.set(++this.#last, { callback, at: this.#now + milliseconds });
        for (const waiter of this.#waiters.splice(0)) waiter();
        const timer = this.#last;
        const pass = () => this.#timers.has(timer) && this.advance(milliseconds);
        if (milliseconds <= 5) setImmediate(pass);
        return timer;
    }

    clearTimeout(timer) {
        this.#timers.delete(timer);
    }

    advance(milliseconds) {
        this.#now += milliseconds;
        for (const [timer, { callback, at }] of [...this.#timers]) {
            if (at <= this.#now && this.#timers.delete(timer)) callback();
        }
    }

    /** Sets the clock back. */
    back(milliseconds) {
        this.#now -= milliseconds;
    }

    /** Waits until a timer is set for so long. */
    async until(isIt) {
        const found = () =>
            [...this.#timers.values()].some(({ at }) => isIt(at - this.#now));
        while (!found()) await new Promise((resolve) => this.#waiters.push(resolve));
    }
}

/** A promise with its ends. */
export function deferred() {
    let ends;
    const promise = new Promise((resolve, reject) => (ends = { resolve, reject }));
    return { promise, ...ends };
}

/** A fetch that collects the secrets that pass through it. */
export function watched(secrets, inner = fetch) {
    return async (url, init) => {
        for (const [name, value] of init.headers) {
            if (name === "authorization") secrets.add(value.split(" ")[1]);
            if (name === "vz-m2m-token") secrets.add(value);
        }
        return inner(url, init);
    };
}
