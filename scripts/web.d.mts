// Types of web.mjs.

/** The library for a page, as the text of one script: a module, or one that defines `moeprof`. */
export function webScript(format: 'esm' | 'iife', minify?: boolean): Promise<string>;
