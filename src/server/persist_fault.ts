// SPDX-License-Identifier: Apache-2.0

import { consensusCodeOf } from "../consensus/errors.ts";
import type { FencedError } from "../consensus/errors.ts";
import type { Epoch } from "../core/epoch.ts";

/** What a fault of the driver means for the requests that wait (behaviour.md 3.8). */
export type PersistFault =
  | { readonly kind: "stepped-down"; readonly fencedBy: Epoch | undefined }
  | { readonly kind: "transient"; readonly code: "unavailable"; readonly message: string }
  | { readonly kind: "fatal"; readonly code: "internal"; readonly message: string };

/** Sorts a fault of the driver. Whatever is not a consensus error counts as fatal. */
export function classifyPersistFault(error: unknown): PersistFault {
  const message = `persist: ${error instanceof Error ? error.message : String(error)}`;
  switch (consensusCodeOf(error)) {
    case "not-leader":
      return { kind: "stepped-down", fencedBy: undefined };
    case "fenced":
      return {
        kind: "stepped-down",
        fencedBy: (error as Partial<FencedError>).current,
      };
    case "transient":
      return { kind: "transient", code: "unavailable", message };
    case "permanent":
    case "advance-out-of-range":
    case undefined:
      return { kind: "fatal", code: "internal", message };
  }
}
