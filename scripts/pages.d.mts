/** Widths at which pages are looked at, CSS pixels. */
export const WIDTHS: readonly number[];
/** Commands in the order in which they are run; `kind` is null where one only makes what later ones read. */
export function pageCommands(): { readonly args: readonly string[]; readonly kind: string | null }[];
