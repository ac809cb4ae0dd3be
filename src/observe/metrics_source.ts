// SPDX-License-Identifier: Apache-2.0

/** What a metrics endpoint shows: a page, made anew for each request. */
export interface MetricsSource {
  /** The media type of the page. */
  readonly contentType: string;
  /** Makes the page. */
  render(): Promise<string>;
}
