// SPDX-License-Identifier: Apache-2.0

import type { HeaderField } from "./header_field.ts";

/** The names of RFC 7541, Appendix A, in their order, with the values where there are any. */
const TABLE = `
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
`;

/** The static table (RFC 7541, Appendix A): the field of index 1 is at 0. */
export const STATIC_TABLE: readonly HeaderField[] = TABLE.trim().split("\n").map((line) => {
  const space = line.indexOf(" ");
  if (space < 0) return { name: line, value: "" };
  return { name: line.slice(0, space), value: line.slice(space + 1) };
});

/** The indices, counted from 1, of the names: the first where there are several. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(({ name }, i) => [name, i + 1] as const).reverse(),
);

/** The index of a field that the static table holds with its value, 0 if it does not. */
export function staticIndex(name: string, value: string): number {
  let index = STATIC_NAMES.get(name) ?? 0;
  if (index === 0) return 0;
  for (; STATIC_TABLE[index - 1]?.name === name; index++) {
    if (STATIC_TABLE[index - 1]?.value === value) return index;
  }
  return 0;
}
