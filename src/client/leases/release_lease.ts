// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../../core/clock.ts";
import { TsoClientError } from "../errors.ts";
import type { LeaseSource } from "./lease_attempts.ts";

/** The longest that a release may take, in milliseconds. A lease that is not released expires by itself. */
const RELEASE_TIMEOUT_MS = 2_000;

/** What {@linkcode releaseInTime} works with. */
export interface ReleaseOptions {
  /** Makes the attempts. */
  readonly source: LeaseSource;
  /** Where time comes from. */
  readonly clock: Clock;
}

/**
 * Releases a lease as far as the server can be reached. One that does not lead says who does, and there is a second
 * attempt then. Never rejects.
 */
export async function releaseInTime(leaseId: number, options: ReleaseOptions): Promise<void> {
  const { source, clock } = options;
  const { signal } = new AbortController();
  const endMs = clock.monotonicMs() + RELEASE_TIMEOUT_MS;
  const attempt = () => {
    const timeoutMs = Math.max(1, endMs - clock.monotonicMs());
    return source.releaseLease(leaseId, { signal, timeoutMs });
  };
  try {
    await attempt().catch((error: unknown) => {
      if (error instanceof TsoClientError && error.code === "no-leader") return attempt();
      throw error;
    });
  } catch {
    // It expires by itself.
  }
}
