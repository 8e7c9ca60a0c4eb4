// Drives the session in a WebAssembly module, whose only input is the time:
// `node run.mjs MODULE`.

import { readFile } from "node:fs/promises";

const bytes = await readFile(process.argv[2]);
// This fails if the module imports anything.
const { instance } = await WebAssembly.instantiate(bytes, {});
console.log("The module imports nothing. Its only input is the time.");
const { memory, thingspace_step, thingspace_report, thingspace_report_length } = instance.exports;

// The time starts at the real time. Then it jumps to what the session asks for.
let now = BigInt(Date.now());
let next;
do {
    next = thingspace_step(now);
    const report = new Uint8Array(memory.buffer, thingspace_report(), thingspace_report_length());
    console.log(new Date(Number(now)).toISOString(), new TextDecoder().decode(report));
    if (next > 0n) now = next;
} while (next > 0n);

// 0 if all is done, -1 after an error.
process.exitCode = next === 0n ? 0 : 1;
