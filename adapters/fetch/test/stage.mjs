// What the tests in Node have in common: a service for each, clients of it, and the
// secrets that nothing may show.

import assert from "node:assert/strict";
import { afterEach, before, beforeEach } from "node:test";
import { inspect } from "node:util";

import { Client, ThingspaceError, compile } from "../thingspace.js";
import { Service, VirtualClock, credentials, watched } from "./service.mjs";

/** Sets a stage up for each test of a file. */
export function stage() {
    const it = {
        /** A client whose backoffs take no time worth mentioning. */
        client(options = {}) {
            return new Client({
                module: it.module,
                credentials,
                environment: it.service.base,
                ...options,
                fetch: watched(it.secrets, options.fetch),
                settings: { firstBackoff: 1, longestBackoff: 4, ...options.settings },
                onEvent: (event) => {
                    it.events.push(event);
                    return options.onEvent?.(event);
                },
            });
        },

        /** The names of the events so far. */
        names: () => it.events.map((event) => event.name),

        /** The error of a call that must fail, which shows no secret. */
        async failure(promise) {
            const error = await promise.then(
                () => assert.fail("it should have failed"),
                (error) => error,
            );
            if (!(error instanceof ThingspaceError)) throw error;
            nothingSecretIn(inspect(error, { depth: 10 }));
            nothingSecretIn(JSON.stringify(error));
            nothingSecretIn(`${error.stack}${error.cause}`);
            return error;
        },

        /** Lets time pass for the service, and for the clients that have this clock. */
        async pass(milliseconds) {
            it.clock.advance(milliseconds);
            await it.service.tell("advance", { millis: milliseconds });
        },

        /** The numbers of token fetches, logins and account calls that the service saw. */
        async seen() {
            const { seen } = await it.service.look();
            return [seen.token, seen.login, seen.account];
        },
    };

    const nothingSecretIn = (text) => {
        for (const secret of it.secrets) assert(!text.includes(secret), "a secret is shown");
    };

    before(async () => {
        it.module = await compile();
    });

    beforeEach(async () => {
        it.service = await Service.start();
        it.clock = new VirtualClock();
        it.secrets = new Set([credentials.secret, credentials.password]);
        it.events = [];
    });

    afterEach(async () => {
        it.secrets.add((await it.service.look()).password);
        it.service.stop();
        nothingSecretIn(JSON.stringify(it.events));
    });

    return it;
}
