// SPDX-License-Identifier: Apache-2.0

import type { ServerEnd } from "../../net/mod.ts";
import type { OracleEnd } from "../../server/mod.ts";
import { CommandError } from "../errors.ts";

/** How the parts of a node ended. */
export interface NodeEnd {
  /** How the oracle ended. */
  readonly oracle: OracleEnd;
  /** How the server ended. */
  readonly server: ServerEnd;
}

/**
 * Checks that a node that was asked to stop did so in order.
 *
 * @throws {CommandError} if its oracle was abandoned or had failed
 */
export function checkEnd(end: NodeEnd): void {
  const { oracle, server } = end;
  if (oracle.kind === "failed") throw failure("go on serving", oracle.error);
  if (oracle.kind === "abandoned") {
    throw failure("stop in order", "the driver did not answer within the shutdown grace");
  }
  if (server.kind === "oracle-failed") throw failure("go on serving", server.error);
}

/** Why a node ended other than by being asked to. */
export function failure(intention: string, error: unknown): CommandError {
  const why = error instanceof Error ? error.message : String(error);
  return new CommandError(`Cannot ${intention}: ${why}`, { cause: error });
}
