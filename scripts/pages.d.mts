/** Widths at which pages are looked at, CSS pixels. */
export const WIDTHS: readonly number[];
/** Commands in their order; `kind`: the page, null where there is none; `makes`: what later ones read. */
export function pageCommands(): { readonly args: readonly string[]; readonly kind: string | null; readonly makes: boolean }[];
