// SPDX-License-Identifier: Apache-2.0

import { consensusCodeOf } from "../consensus/errors.ts";
import type { FencedError } from "../consensus/errors.ts";
import type { Epoch } from "../core/epoch.ts";

/** What a fault of the driver means for the requests that wait (behaviour.md 3.8). */
export type PersistFault =
  | { readonly kind: "stepped-down"; readonly fencedBy: Epoch | undefined }
  | { readonly kind: "transient"; readonly code: "unavailable"; readonly message: string }
  | { readonly kind: "fatal"; readonly code: "internal"; readonly message: string };

/**
 * Sorts a fault of the driver. Whatever is not a consensus error counts as fatal.
 *
 * @param what was asked of the driver, for the message
 */
export function classifyPersistFault(error: unknown, what = "persist"): PersistFault {
  const message = `${what}: ${faultText(error)}`;
  switch (consensusCodeOf(error)) {
    case "not-leader":
      return { kind: "stepped-down", fencedBy: undefined };
    case "fenced":
      return {
        kind: "stepped-down",
        fencedBy: (error as Partial<FencedError>).current,
      };
    case "transient":
    case "unavailable":
      return { kind: "transient", code: "unavailable", message };
    case "permanent":
    case "advance-out-of-range":
    case "sequence-key-limit":
    case "sequence-overflow":
    case undefined:
      return { kind: "fatal", code: "internal", message };
  }
}

/** What was thrown, in words. */
export function faultText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
