// Types of web.mjs.

/** The library for a page, as the text of one script: a module, or one that defines `moeprof`. */
export function webScript(format: 'esm' | 'iife', minify?: boolean): Promise<string>;

/** The computing thread of `moeprof play`, as the text of one script. */
export function playEngine(): Promise<string>;
