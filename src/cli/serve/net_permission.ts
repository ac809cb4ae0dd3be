// SPDX-License-Identifier: Apache-2.0

import { formatAddress } from "../../net/address.ts";
import { CommandError } from "../errors.ts";
import type { ListenAddress } from "../values.ts";

/**
 * Asks Deno for the permission to bind an address before a socket needs it: refused by node:net it would be
 * an exception that nobody can catch. Node has no such permission.
 *
 * @throws {CommandError} if it is not given
 */
export async function requireNetPermission(address: ListenAddress): Promise<void> {
  if (!("Deno" in globalThis)) return;
  const host = formatAddress(address.hostname, address.port);
  const { state } = await Deno.permissions.request({ name: "net", host });
  if (state === "granted") return;
  throw new CommandError(
    `Cannot listen on ${host}: Deno does not allow it; add --allow-net=${host}`,
  );
}
