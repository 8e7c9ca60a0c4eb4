// Drives the session in a WebAssembly module, which is given nothing but the
// time: `node run.mjs MODULE`.

import { readFile } from "node:fs/promises";

const bytes = await readFile(process.argv[2]);
// Nothing is imported: were anything asked for, this would fail.
const { instance } = await WebAssembly.instantiate(bytes, {});
console.log("The module imports nothing. All that it is told is the time.");
const { memory, thingspace_step, thingspace_told, thingspace_told_length } = instance.exports;

// The time starts as it is, and then is whatever the session wants next.
let now = BigInt(Date.now());
let next;
do {
    next = thingspace_step(now);
    const words = new Uint8Array(memory.buffer, thingspace_told(), thingspace_told_length());
    console.log(new Date(Number(now)).toISOString(), new TextDecoder().decode(words));
    if (next > 0n) now = next;
} while (next > 0n);

// 0 if all is done, -1 if it went wrong.
process.exitCode = next === 0n ? 0 : 1;
