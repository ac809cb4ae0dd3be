// SPDX-License-Identifier: Apache-2.0

// Connects to the address in its argument, sends what it reads, and prints what it receives.

const [address = ""] = Deno.args;
const { hostname, port } = new URL(`http://${address}`);
const connection = await Deno.connect({ hostname, port: Number(port) });
await Promise.race([
  Deno.stdin.readable.pipeTo(connection.writable),
  connection.readable.pipeTo(Deno.stdout.writable),
]);
Deno.exit();
