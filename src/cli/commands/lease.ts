// SPDX-License-Identifier: Apache-2.0

import type { HeldLease, TsoClient } from "../../client/mod.ts";
import { CLIENT_FLAGS } from "../client/client_flags.ts";
import { withClient } from "../client/with_client.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG } from "../common.ts";
import { EXIT, UsageError } from "../errors.ts";
import { optionalFlag, valueFlag } from "../flag.ts";
import { listenForStop } from "../serve/stop_requests.ts";
import { durationFrom, wholeNumber } from "../values.ts";

/** `tsoracle lease`. */
export const LEASE_COMMAND = defineCommand({
  name: "lease",
  operands: "hold HOLDER",
  summary: "Hold a lease of a running server until stopped",
  examples: [
    { line: "tsoracle lease hold group-a", effect: "renewed until Ctrl-C, then released" },
    {
      line: "tsoracle lease hold group-a --ttl 1m --json",
      effect: "one JSON object for the lease and for each renewal",
    },
  ],
  notes: [
    "Prints a line when the lease is granted and at each renewal: how far its holder may stamp, and until when.",
    "Ends with 1 if the lease is lost: a later claim has it, or no server could be reached in time.",
  ],
  flags: {
    ttlMs: valueFlag("ttl", {
      placeholder: "DURATION",
      fallback: "15s",
      fromEnvironment: false,
      summary: "how long it lasts without a renewal; the server has limits, usually 5s to 5m",
      parse: durationFrom(1),
    }),
    holderEpoch: optionalFlag("holder-epoch", {
      placeholder: "N",
      fromEnvironment: false,
      summary:
        "generation of the holder: the highest wins; if it is left out, the latest claim wins",
      parse: wholeNumber(0, Number.MAX_SAFE_INTEGER),
    }),
    json: JSON_FLAG,
    ...CLIENT_FLAGS,
  },
  async body({ settings, operands, context }) {
    const holder = holderFrom(operands);
    const { ttlMs, json, holderEpoch } = settings;
    const stop = listenForStop(context.signals);
    const stopped = new AbortController();
    void stop.first.then(() => stopped.abort());
    const hold = async (client: TsoClient) => {
      const lease = await client.holdLease(holder, {
        ttlMs,
        signal: stopped.signal,
        ...(holderEpoch === undefined ? {} : { holderEpoch: BigInt(holderEpoch) }),
        onRenewed: (renewed) => context.stdout.write(render(renewed, json)),
      });
      context.stdout.write(render(lease, json));
      await holdUntilStopped(lease, stopped.signal);
    };
    try {
      await withClient({ settings, goal: `hold the lease of ${holder}` }, hold);
      return EXIT.ok;
    } catch (error) {
      if (stopped.signal.aborted && error === stopped.signal.reason) return EXIT.ok;
      throw error;
    } finally {
      stop.unsubscribe();
    }
  },
});

function holderFrom(operands: readonly string[]): string {
  const [verb, holder = "", ...more] = operands;
  if (verb === "hold" && holder !== "" && more.length === 0) return holder;
  throw new UsageError("Cannot tell what to hold: write tsoracle lease hold HOLDER");
}

/** Waits for the stop and releases the lease, or throws why the lease was lost. */
async function holdUntilStopped(lease: HeldLease, stopped: AbortSignal): Promise<void> {
  await untilAborted(AbortSignal.any([stopped, lease.signal]));
  if (!stopped.aborted) throw lease.signal.reason;
  await lease.release();
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function render(lease: HeldLease, json: boolean): string {
  if (json) return `${JSON.stringify(lease)}\n`;
  const { leaseId, boundMs, expiresAtMs } = lease;
  const until = new Date(expiresAtMs).toISOString();
  return `lease ${leaseId}: may stamp up to ${boundMs}, until ${until}\n`;
}
