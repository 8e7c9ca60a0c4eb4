// The example's Durable Object, with a few ways to disturb it.

import { Client } from "thingspace-fetch";
import module from "thingspace-fetch/thingspace.wasm";
import worker, { ThingSpace } from "../examples/worker.js";

export default worker;

export class Disturbed extends ThingSpace {
    async fetch(request) {
        const { pathname, searchParams } = new URL(request.url);
        switch (pathname) {
            case "/crowd": {
                const path = searchParams.get("path");
                const calls = Array.from({ length: 50 }, () => this.client.call(path));
                const responses = await Promise.all(calls);
                return Response.json(responses.map((response) => response.status));
            }
            case "/state":
                return Response.json(this.client.state());
            case "/idle":
                await this.client.idle();
                return new Response();
            case "/evict":
                this.ctx.abort("evicted");
                return new Response();
            case "/crash":
                this.client.crash();
                return new Response();
            case "/abort": {
                const giving = new AbortController();
                const call = this.client.call(searchParams.get("path"), { signal: giving.signal });
                giving.abort();
                return call.catch(({ kind, outcome }) => Response.json({ kind, outcome }));
            }
            case "/timeout":
                return this.client
                    .call(searchParams.get("path"), { timeout: 100 })
                    .catch(({ kind, outcome }) => Response.json({ kind, outcome }));
            case "/write": {
                const path = searchParams.get("path");
                return this.client
                    .call({ path, method: "POST", json: {} })
                    .catch(({ kind, outcome }) => Response.json({ kind, outcome }));
            }
            case "/broken": {
                // A connection that nobody takes: fetch itself throws.
                const client = new Client({
                    module,
                    environment: "http://127.0.0.1:1/api",
                    credentials: { key: "key", secret: "secret" },
                    settings: { firstBackoff: 1 },
                });
                return client
                    .call("/m2m/v1/x", { tokens: "bearer" })
                    .catch(({ kind, outcome, cause }) => Response.json({ kind, outcome, cause }));
            }
        }
        return super.fetch(request);
    }
}
