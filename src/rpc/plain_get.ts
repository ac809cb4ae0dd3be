// SPDX-License-Identifier: Apache-2.0

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
