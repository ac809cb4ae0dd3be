// SPDX-License-Identifier: Apache-2.0

import process from "node:process";

/** The runtime and its version, such as `deno 2.8.3` or `node 20.20.2`. */
export function runtimeName(): string {
  const { deno, node } = process.versions as { readonly deno?: string; readonly node: string };
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}
