// SPDX-License-Identifier: Apache-2.0

/**
 * The longest time that a timer of the runtimes can wait: 2^31 - 1 milliseconds, which is 24.8 days. A
 * longer one fires at once (HTML, "timer initialization steps": the timeout is a 32-bit signed integer).
 */
export const LONGEST_TIMER_MS = 2_147_483_647;
