// SPDX-License-Identifier: Apache-2.0

/** What a failed call is counted under: the code of the error as the client names it, or else its name. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
