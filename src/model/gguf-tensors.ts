import { UserError } from '../base/errors.js';
import { formatBytes } from '../base/units.js';
import type { KernelFormat } from './quantization/formats/format.js';
import { ggmlFormat } from './quantization/formats/index.js';

/** A tensor as described by the header. */
export interface DescribedTensor {
  readonly name: string;
  /** Innermost dimension first. */
  readonly shape: readonly number[];
  readonly elements: number;
  readonly type: number;
  /** First byte, from the end of the header. */
  readonly offset: number;
}

/** A tensor with data bytes. */
export interface GgufTensor extends DescribedTensor {
  readonly bytes: number;
  /** Kernel format; `type N` for an unknown number. */
  readonly format: string;
}

/** Tensor sizes by type; for types of forks, by the next start (within 32 bytes). @param dataBytes after the header */
export function sizedTensors(path: string, described: readonly DescribedTensor[], dataBytes: number): GgufTensor[] {
  const inOrder = [...described].sort((a, b) => a.offset - b.offset);
  const sizes = new Map<DescribedTensor, number>();
  for (const [i, tensor] of inOrder.entries()) {
    const end = inOrder[i + 1]?.offset ?? Math.max(tensor.offset, dataBytes);
    const format = ggmlFormat(tensor.type);
    const bytes = format === null ? end - tensor.offset : bytesIn(format, tensor);
    const place = `${path}: tensor ${JSON.stringify(tensor.name.slice(0, 60))}`;
    if (!Number.isInteger(bytes)) throw new UserError(`${place}: ${tensor.elements} elements are no whole blocks; the file is damaged`);
    if (tensor.offset + bytes > dataBytes)
      throw new UserError(
        `${place}: ends ${formatBytes(tensor.offset + bytes - dataBytes)} behind the file's end; it was cut short, fetch it again`,
      );
    if (tensor.offset + bytes > end) throw new UserError(`${place}: its data lie over those of the next tensor; the file is damaged`);
    sizes.set(tensor, bytes);
  }
  return described.map((tensor) => ({
    ...tensor,
    bytes: sizes.get(tensor)!,
    format: ggmlFormat(tensor.type)?.name ?? `type ${tensor.type}`,
  }));
}

/** Bytes of whole blocks, plus the scale of each row, if any. */
function bytesIn({ weights, bytes, rowBytes }: KernelFormat, { elements, shape }: DescribedTensor): number {
  const rows = rowBytes === 0 ? 0 : elements / Math.max(1, shape[0] ?? 1);
  return (elements / weights) * bytes + rows * rowBytes;
}
