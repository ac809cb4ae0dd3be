// SPDX-License-Identifier: Apache-2.0

/** A field of a header or trailer section. A character stands for a byte: both parts are Latin-1. */
export interface HeaderField {
  /** The name, in lower case; of a pseudo-header with its colon. */
  readonly name: string;
  /** The value. */
  readonly value: string;
}

/** What a field counts in tables and lists beyond its own bytes (RFC 7541, 4.1). */
const FIELD_OVERHEAD_BYTES = 32;

/** The size of a field in the sense of RFC 7541, 4.1, and of SETTINGS_MAX_HEADER_LIST_SIZE. */
export function fieldBytes(field: HeaderField): number {
  return field.name.length + field.value.length + FIELD_OVERHEAD_BYTES;
}
