// SPDX-License-Identifier: Apache-2.0

/** A worker that starts processes, one after the other, until it is terminated. */

const creator = self as unknown as { postMessage(message: string): void };

for (;;) {
  new Deno.Command("true").outputSync();
  creator.postMessage("started");
}
