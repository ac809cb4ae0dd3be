// SPDX-License-Identifier: Apache-2.0

import type { ClientOptions, TsoClient } from "../../client/mod.ts";
import type { ClientSettings } from "./client_flags.ts";
import { explainClientError } from "./explain.ts";
import { openClient } from "./open_client.ts";

/** What a command wants of a client. */
export interface ClientJob {
  /** The values of the client's flags. */
  readonly settings: ClientSettings;
  /** What follows "Cannot" in a message, such as `get a timestamp`. */
  readonly goal: string;
  /** What the command sets besides the flags. */
  readonly tuning?: Partial<ClientOptions>;
}

/**
 * Opens a client, uses it and closes it.
 *
 * @throws {UsageError} if the flags do not fit together, or the client refuses an argument
 * @throws {CommandError} that says what to do
 */
export async function withClient<T>(
  job: ClientJob,
  use: (client: TsoClient) => Promise<T>,
): Promise<T> {
  let client: TsoClient | undefined;
  try {
    client = await openClient(job.settings, job.tuning);
    return await use(client);
  } catch (error) {
    throw explainClientError(job, error);
  } finally {
    await client?.close();
  }
}
