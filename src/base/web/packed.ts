// Files that a page starts with, by their paths in the package: `scripts/web.mjs` puts package.json and the texts of `profiles/` here.

/** Texts of files by path; a path that ends with a slash is a folder. */
export const PACKED: Readonly<Record<string, string>> = {};
