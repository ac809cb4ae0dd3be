// SPDX-License-Identifier: Apache-2.0

import type { Connection } from "./connection.ts";

/** Which connection a request belongs to, by what Node says it came on: a socket, or a session of HTTP/2. */
export class Carriers {
  readonly #connections = new WeakMap<object, Connection>();

  /** Notes it until the connection closes: some versions of Deno never let go of a session. */
  note(carrier: object, connection: Connection): void {
    this.#connections.set(carrier, connection);
    connection.raw.once("close", () => this.#connections.delete(carrier));
  }

  /** The connection that a carrier belongs to. */
  find(carrier: object | undefined): Connection | undefined {
    return carrier === undefined ? undefined : this.#connections.get(carrier);
  }
}
