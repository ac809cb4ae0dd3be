// SPDX-License-Identifier: Apache-2.0

/**
 * A test's hook at a named step. It may return a promise to hold the step, or throw to make it fail.
 * Absent, it costs one comparison.
 *
 * Names are `module::step::before_x` or `module::step::after_x_before_y`; docs/testing.md lists them.
 */
export type Failpoint = (name: string) => void | Promise<void>;
