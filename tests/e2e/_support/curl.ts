// SPDX-License-Identifier: Apache-2.0

import { canRun, ioTestNeeding } from "../../_support/levels.ts";

const MISSING = await canRun("curl") ? undefined : "install curl";

/** What curl brought back. */
export interface CurlAnswer {
  /** curl's exit code; 0 is success at the level of HTTP, also for an error status. */
  readonly exit: number;
  /** The HTTP status, 0 without an answer. */
  readonly status: number;
  /** The HTTP version spoken: `1.1` or `2`. */
  readonly version: string;
  /** Every header of the answer, names in lower case. */
  readonly headers: Headers;
  /** The body as text. */
  readonly body: string;
  /** curl's own complaint. */
  readonly stderr: string;
}

/** A test that needs curl. Without it, it is ignored under a name that tells what to install. */
export function curlTest(name: string, fn: () => Promise<void>): void {
  ioTestNeeding(MISSING, name, fn);
}

/** Runs curl, silent, with these arguments behind the common ones. */
export async function curl(...args: string[]): Promise<CurlAnswer> {
  const output = await new Deno.Command("curl", {
    args: ["-sS", "--max-time", "20", "-D", "-", ...args],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  const { head, body } = lastAnswer(text);
  const [line = "", ...fields] = head.split("\r\n");
  const [, version = "", status = "0"] = /^HTTP\/([\d.]+) (\d+)/.exec(line) ?? [];
  return {
    exit: output.code,
    status: Number(status),
    version,
    headers: new Headers(fields.map((field) => splitField(field))),
    body,
    stderr: new TextDecoder().decode(output.stderr),
  };
}

/** An interim answer (100 Continue) comes before the one that counts. */
function lastAnswer(text: string): { readonly head: string; readonly body: string } {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return { head: "", body: text };
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  return /^HTTP\/[\d.]+ 1\d\d/.test(head) ? lastAnswer(body) : { head, body };
}

function splitField(field: string): [string, string] {
  const colon = field.indexOf(":");
  return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
}
