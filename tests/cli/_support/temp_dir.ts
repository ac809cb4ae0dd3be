// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";

/** A directory that is removed when it leaves its scope. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** The path of a name in it. */
  readonly at: (name: string) => string;
  /** Writes a file in it and returns its path. */
  readonly write: (name: string, content: string | Uint8Array) => Promise<string>;
}

/** Makes an empty directory. */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "tsoracle-cli-" });
  return {
    path,
    at: (name) => join(path, name),
    async write(name, content) {
      const file = join(path, name);
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(file, bytes);
      return file;
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
