// SPDX-License-Identifier: Apache-2.0

import { PermanentError, TransientError } from "../../consensus/errors.ts";

/** For how long and until when a file of a directory may be used. */
export interface FileLimits {
  /** How long a call may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Fires when the driver has ended; its reason says why. */
  readonly ended: AbortSignal;
}

/** A write that failed: either content may be on the disk. */
export function failedWrite(path: string, cause: unknown): PermanentError {
  return new PermanentError(
    `Cannot write '${path}': ${
      textOf(cause)
    }; the disk may hold the old or the new content, so it is read again before the next call`,
    { cause },
  );
}

/** A file in doubt that could not be read again. */
export function stillInDoubt(path: string, cause: unknown): PermanentError {
  return new PermanentError(
    `Cannot go on with '${path}' after a write that failed: ${
      textOf(cause)
    }; this call wrote nothing, and the next one tries to read again`,
    { cause },
  );
}

/** How a call was late. */
export interface Lateness {
  /** Whether its write was under way. */
  readonly begun: boolean;
  /** How long it might take, in milliseconds. */
  readonly deadlineMs: number;
}

/** A call that the disk kept waiting for too long. */
export function lateCall(path: string, { begun, deadlineMs }: Lateness): TransientError {
  return new TransientError(
    begun
      ? `Cannot confirm a write of '${path}' within ${deadlineMs} ms: it goes on and may still succeed`
      : `Cannot begin with '${path}' within ${deadlineMs} ms, as the disk has not answered: this call wrote nothing`,
  );
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
