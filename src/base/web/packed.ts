// Files that a page starts with, by their paths in the package. Empty here: `scripts/web.mjs` puts package.json and the texts of `profiles/`
// in this place.

/** Texts of files by path; a path that ends with a slash is a folder. */
export const PACKED: Readonly<Record<string, string>> = {};
