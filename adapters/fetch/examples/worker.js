// A Cloudflare worker with one ThingSpace session: all requests go to one Durable Object,
// which holds it. Copy this file, and put what is secret into the worker's secrets.

import { DurableObject } from "cloudflare:workers";
import { Client, DurableObjectStore } from "thingspace-fetch";
import module from "thingspace-fetch/thingspace.wasm";

export class ThingSpace extends DurableObject {
    constructor(ctx, env) {
        super(ctx, env);
        this.client = this.connect();
    }

    connect() {
        return new Client({
            module,
            environment: this.env.THINGSPACE_BASE_URL,
            credentials: {
                key: this.env.THINGSPACE_KEY,
                secret: this.env.THINGSPACE_SECRET,
                username: this.env.THINGSPACE_USERNAME,
                password: this.env.THINGSPACE_PASSWORD,
            },
            store: new DurableObjectStore(this.ctx.storage),
            onEvent: (event) => console.log(event.name, event.message),
        });
    }

    async fetch(request) {
        const { pathname, search } = new URL(request.url);
        try {
            return await this.client.call({ path: pathname + search }, { signal: request.signal });
        } catch (error) {
            // The session is in the storage: another client goes on with it.
            if (error.kind === "panicked") this.client = this.connect();
            const { kind, outcome, message, retryAt } = error;
            return Response.json({ kind, outcome, message, retryAt }, { status: 502 });
        }
    }
}

export default {
    fetch(request, env) {
        if (request.method !== "GET") return new Response(null, { status: 405 });
        // Who may ask for what is for you to decide, here.
        return env.THINGSPACE.get(env.THINGSPACE.idFromName("session")).fetch(request);
    },
};
