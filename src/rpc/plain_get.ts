// SPDX-License-Identifier: Apache-2.0

import { base64Decode } from "@bufbuild/protobuf/wire";
import type { Refusal } from "./refusal.ts";

/**
 * Completes the query of a GET, so that a bare address typed into curl or a browser works: what is missing
 * becomes JSON with an empty message. Everything that the caller says stays.
 *
 * @param url an absolute URL
 */
export function completeGetUrl(url: string): string {
  const completed = new URL(url);
  const query = completed.searchParams;
  if (!query.has("encoding")) query.set("encoding", "json");
  if (!query.has("message") && query.get("encoding") === "json") query.set("message", "{}");
  return completed.href;
}

/**
 * What is wrong with the query of a GET, where Connect would refuse it without a word or call it a fault
 * of the server.
 *
 * @param url an absolute URL
 * @returns nothing if Connect can take it from here
 */
export function objectToQuery(url: string): Refusal | undefined {
  const query = new URL(url).searchParams;
  const encoding = query.get("encoding") ?? "json";
  if (encoding !== "json" && encoding !== "proto") {
    return {
      status: 415,
      text: `Cannot read encoding ${JSON.stringify(encoding)}: use json or proto`,
    };
  }
  if (query.get("base64") === "1" && !isBase64(query.get("message") ?? "")) {
    return { status: 400, text: "Cannot read the message: with base64=1 it must be base64" };
  }
  return undefined;
}

function isBase64(text: string): boolean {
  try {
    base64Decode(text);
    return true;
  } catch {
    return false;
  }
}
