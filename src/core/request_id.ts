// SPDX-License-Identifier: Apache-2.0

/**
 * The metadata by which a client marks a request that must not be carried out twice. A browser sends a request
 * anew, and tells nobody, when the connection that it had used before breaks; the server then sees the mark
 * again. Not known to the original, which ignores it.
 */
export const REQUEST_ID_KEY = "tsoracle-request-id";

/** Longest mark that counts, in characters. */
export const MAX_REQUEST_ID_LENGTH = 64;
