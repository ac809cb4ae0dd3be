// SPDX-License-Identifier: Apache-2.0

/** How many characters are made a string at once. */
const AT_ONCE = 8;

/** Makes strings of Latin-1 characters. Made of one character after the other a short string costs twice as much. */
export class TextBuilder {
  readonly #codes = new Uint8Array(AT_ONCE);
  #length = 0;
  #text = "";

  /** Begins a string; what was not finished is forgotten. */
  start(): void {
    this.#length = 0;
    this.#text = "";
  }

  /** Adds a character. */
  add(code: number): void {
    this.#codes[this.#length++] = code;
    if (this.#length === AT_ONCE) this.#move();
  }

  /** The string. */
  finish(): string {
    if (this.#length > 0) this.#move();
    return this.#text;
  }

  #move(): void {
    const codes = this.#codes;
    // deno-fmt-ignore
    const text = String.fromCharCode(
      codes[0] as number, codes[1] as number, codes[2] as number, codes[3] as number,
      codes[4] as number, codes[5] as number, codes[6] as number, codes[7] as number,
    );
    this.#text += this.#length === AT_ONCE ? text : text.slice(0, this.#length);
    this.#length = 0;
  }
}
