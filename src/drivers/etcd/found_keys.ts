// SPDX-License-Identifier: Apache-2.0

import type { KeyValue } from "../../gen/etcdserverpb/rpc_pb.ts";
import { textOf } from "./keys.ts";

/** Keys that were read in one step, by name. */
export class FoundKeys {
  readonly #byName: Map<string, KeyValue>;

  /** Takes what was read. */
  constructor(found: readonly KeyValue[]) {
    this.#byName = new Map(found.map((each) => [textOf(each.key), each]));
  }

  /** The key with its value, if it is there. */
  get(key: Uint8Array): KeyValue | undefined {
    return this.#byName.get(textOf(key));
  }

  /** The revision in which a key was last written; 0 if it is not there. */
  revision(key: Uint8Array): bigint {
    return this.get(key)?.modRevision ?? 0n;
  }

  /** Takes a change of a key. */
  write(change: KeyValue): void {
    this.#byName.set(textOf(change.key), change);
  }

  /** Takes the removal of a key. */
  remove(key: Uint8Array): void {
    this.#byName.delete(textOf(key));
  }
}
