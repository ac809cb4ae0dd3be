// SPDX-License-Identifier: Apache-2.0

const LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 2;

/**
 * Waits for a state that nothing announces.
 *
 * @throws {Error} naming what was waited for, after a minute
 */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`waited ${LIMIT_MS} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * The promise, or an error after a minute.
 *
 * @throws {Error} naming what was waited for
 */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), LIMIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
