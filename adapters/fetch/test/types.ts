// What a program in TypeScript writes. It is checked, and never run.

import {
    Client,
    DurableObjectStore,
    MemoryStore,
    ThingspaceError,
    compile,
    platformFetch,
    type Loaded,
    type Saving,
    type Store,
} from "thingspace-fetch";

/** A store of one's own. */
class OwnStore implements Store {
    #record: (Saving & { savedAt: number }) | undefined;
    pollInterval = 1000;

    async load(): Promise<Loaded | undefined> {
        const record = this.#record;
        return record && { snapshot: record.snapshot, age: Date.now() - record.savedAt };
    }

    async save(saving: Saving): Promise<boolean> {
        if ((this.#record?.revision ?? null) !== saving.seen) return false;
        this.#record = { ...saving, savedAt: Date.now() };
        return true;
    }
}

const credentials = { key: "key", secret: "secret", username: "user", password: "password" };

export async function use(storage: ConstructorParameters<typeof DurableObjectStore>[0]) {
    for (const store of [new OwnStore(), new MemoryStore(), new DurableObjectStore(storage)]) {
        const client = await Client.create({
            credentials,
            environment: "mock",
            store,
            settings: { maxFailedLogins: 1 },
            fetch: (url, init) => platformFetch()(url, init),
            onEvent: ({ name, message, at }) => console.log(at.toISOString(), name, message),
        });
        const response: Response = await client.call({ path: "/m2m/v1/x", method: "POST", json: {} });
        const text: string = await response.text();
        const ended: boolean = await client.logOut({ timeout: 1000 });
        const password: string = await client.requestReset();
        await client.confirmReset(password);
        console.log(text, ended, client.state().loginGuard.blocked);
    }
    const client = new Client({ module: await compile(), credentials });
    try {
        const giving = new AbortController();
        await client.call("/m2m/v1/x", { signal: giving.signal, tokens: "bearer" });
    } catch (error) {
        if (error instanceof ThingspaceError && error.outcome === "unknown") {
            console.log(error.kind, error.retryAt?.getTime(), error.response?.body.length);
        }
    }
    // @ts-expect-error Only Client.create compiles a module.
    new Client({ credentials });
    // @ts-expect-error The platform locks at five.
    await Client.create({ credentials, settings: { maxFailedLogins: 5 } });
}
