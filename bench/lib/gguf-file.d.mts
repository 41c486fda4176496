/** Bytes of a tensor. */
export function sizeOf(shape: readonly number[], type: string): number;
/** Writes a file whose tensors are a hole. */
export function writeSparseGguf(
  path: string,
  metadata: Readonly<Record<string, unknown>>,
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly type: string }[],
): void;
