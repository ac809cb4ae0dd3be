// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import type { FileStateErrorCode } from "../../../src/drivers/file/errors.ts";
import { FileStateError } from "../../../src/drivers/file/errors.ts";
import { encodeStateRecord } from "../../../src/drivers/file/state_record.ts";

/** A directory that is removed at the end of its test. */
export class StateDir implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<StateDir> {
    return new StateDir(await Deno.realPath(await Deno.makeTempDir({ prefix: "tsoracle-" })));
  }

  join(name: string): string {
    return join(this.path, name);
  }

  async put(name: string, content: Uint8Array | number): Promise<void> {
    const bytes = typeof content === "number" ? encodeStateRecord(content) : content;
    await Deno.writeFile(this.join(name), bytes);
  }

  /** The content of a file as hex digits. */
  async hex(name: string): Promise<string> {
    return (await Deno.readFile(this.join(name))).toHex();
  }

  async names(): Promise<string[]> {
    const names = await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Expects a refusal with a code and a message. */
export async function refused(
  attempt: Promise<unknown>,
  code: FileStateErrorCode,
  message: RegExp = /; /,
): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof FileStateError, `threw ${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
