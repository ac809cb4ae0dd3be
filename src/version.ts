// SPDX-License-Identifier: Apache-2.0

/** The version of this package. A test holds it equal to the one in `deno.json`. */
export const VERSION = "0.1.0";
