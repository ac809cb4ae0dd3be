// SPDX-License-Identifier: Apache-2.0

import { SeqUncertainError, TsoClientError } from "../../client/mod.ts";
import { CommandError, EXIT, UsageError } from "../errors.ts";
import type { ClientSettings } from "./client_flags.ts";
import { faultText, networkReason } from "./network_reason.ts";
import { endpointNames } from "./open_client.ts";

/** What was tried, and with which flags. */
export interface Attempted {
  /** What follows "Cannot" in the message, such as `get a timestamp`. */
  readonly goal: string;
  /** The values of the client's flags. */
  readonly settings: ClientSettings;
}

/**
 * Turns what a client threw into an error that says what to do. What is no fault of a call stays as it is; an
 * argument that the client refused before it asked anybody is a fault of the command line.
 */
export function explainClientError(attempted: Attempted, error: unknown): unknown {
  if (!(error instanceof TsoClientError)) return error;
  const { goal, settings } = attempted;
  if (error.code === "invalid-argument" && error.endpoint === undefined) {
    return new UsageError(error.message, { cause: error });
  }
  const server = describeServer(error, settings);
  if (error instanceof SeqUncertainError) return uncertain(error, server);
  return new CommandError(`Cannot ${goal} from ${server}: ${reason(error, settings)}`, {
    cause: error,
  });
}

function describeServer({ endpoint }: TsoClientError, settings: ClientSettings): string {
  const given = endpointNames(settings);
  if (endpoint === undefined) return given.join(", ");
  return given.includes(endpoint) ? endpoint : `${endpoint}, which was named as the leader`;
}

/** A script that repeats such a call may spend twice, so it is told apart from all that spent nothing. */
function uncertain(error: SeqUncertainError, server: string): CommandError {
  const said = error.status === undefined ? "" : `it answered ${error.status}: `;
  return new CommandError(
    `Cannot tell whether ordinals were taken from ${server}: ${said}${faultText(error)}; ` +
      "they may be spent, and were not asked for again: go on, with a gap at worst",
    { cause: error, exitCode: EXIT.unknown },
  );
}

function reason(error: TsoClientError, settings: ClientSettings): string {
  switch (error.code) {
    case "no-leader":
      return "it is not the leader, and nobody is known to lead; try again in a moment";
    case "deadline-exceeded":
      return "it did not answer in time; look at its log, or allow more with --timeout";
    case "unreachable":
      return error.status === undefined
        ? networkReason(error, settings)
        : `it answered ${error.status}: ${faultText(error)}; try again in a moment`;
    default:
      return error.status === "UNIMPLEMENTED"
        ? `there is a server, but it does not know this call; check --endpoint (${error.message})`
        : error.message;
  }
}
