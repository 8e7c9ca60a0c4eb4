// What the package says of itself is so.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as library from "../thingspace.js";

const read = (path) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

test("the worker in the README is the one that is tested", async () => {
    const [readme, worker] = await Promise.all([read("README.md"), read("examples/worker.js")]);
    const [, shown] = readme.match(/```js\n(import \{ DurableObject \}[^]*?)```/);
    assert.equal(shown, worker.slice(worker.indexOf("import ")));
});

test("the types name what the library exports, and each kind, reason and event", async () => {
    const types = await read("thingspace.d.ts");
    const exported = [...types.matchAll(/export (?:class|function) (\w+)/g)].map(([, name]) => name);
    assert.deepEqual(exported.sort(), Object.keys(library).sort());
    for (const own of ["Client", "ThingspaceError", "MemoryStore", "DurableObjectStore"]) {
        const [, body] = types.match(new RegExp(`export class ${own}[^{]*{([^]*?)\\n}`));
        const typed = [...body.matchAll(/^    (?:static )?(\w+)(?:\(|\?|:)/gm)].map(([, name]) => name);
        const { prototype } = library[own];
        for (const method of Object.getOwnPropertyNames(prototype)) {
            // Nobody else makes one.
            if (own === "ThingspaceError") continue;
            assert(typed.includes(method), `${own}.${method} has no type`);
        }
    }
    for (const [file, words] of [
        ["src/failure.rs", /fn name_of\(kind[^{]*{([^]*?)\n}/],
        ["../../core/src/session/guard.rs", /fn name\(&self\)[^{]*{([^]*?)\n    }/],
        ["../../core/src/session/event.rs", /fn name\(&self\)[^{]*{([^]*?)\n    }/],
    ]) {
        const [, named] = (await read(file)).match(words);
        const names = [...named.matchAll(/=> "(\w+)"/g)];
        assert(names.length > 1, file);
        for (const [, name] of names) {
            if (name !== "other") assert(types.includes(`| "${name}"`), `${name} has no type`);
        }
    }
});

test("the package has all that its entries name", async () => {
    const { exports, files, types } = JSON.parse(await read("package.json"));
    const { types: typed, default: library } = exports["."];
    for (const path of [types, typed, library, exports["./thingspace.wasm"]]) {
        assert(files.includes(path.replace("./", "")), path);
    }
    for (const license of ["LICENSE-MIT", "LICENSE-APACHE"]) assert(files.includes(license));
});
