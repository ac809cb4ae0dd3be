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
    }; the next call tries to read again`,
    { cause },
  );
}

/** A write that was under way for too long. */
export function lateWrite(path: string, deadlineMs: number): TransientError {
  return new TransientError(
    `Cannot confirm a write of '${path}' within ${deadlineMs} ms: it goes on and may still succeed`,
  );
}

/** A call that the disk kept waiting for too long before anything was written. */
export function lateStart(path: string, deadlineMs: number): TransientError {
  return new TransientError(
    `Cannot begin with '${path}' within ${deadlineMs} ms, as the disk has not answered`,
  );
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
