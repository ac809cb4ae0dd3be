// SPDX-License-Identifier: Apache-2.0

/** An address on the loopback interface that nobody listens on now, for a process that has to know it before it starts. */
export function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}
