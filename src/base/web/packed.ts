// Initial files of a page by package path: `scripts/web.mjs` puts package.json and the texts of `profiles/` here.

/** Texts by path; a path with a final slash is a folder. */
export const PACKED: Readonly<Record<string, string>> = {};
