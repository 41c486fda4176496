// The storage formats that advice tries where the user names none.
import type { ModelSpec } from '../model/door.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';

/**
 * Default formats on offer: the model's own, if the runtime reads its files, then formats of fewer bits.
 * @param own the model in its own format
 * @param fixed true where its sizes are those of its files
 * @param ownBits bits a weight of that format
 */
export function usualOffer(
  { quantizations, reads, usualFile }: AdvisedRuntime,
  { quantization: own }: Pick<ModelSpec, 'quantization'>,
  fixed: boolean,
  ownBits: number,
): (string | null)[] {
  // Files of models that are trained in 4 bits are no smaller in other formats: their experts stay as they are.
  if (fixed || own.startsWith('mxfp4')) return [null];
  const names = Object.keys(quantizations);
  const isRead = reads === 'folder' ? !/^i?q\d|^ud-/.test(own) : !/^(bf16|fp8)/.test(own);
  if (isRead) return [null, ...names.filter((name) => name !== own && quantizations[name]! < ownBits)];
  return usualFile === null ? names : names.slice(names.indexOf(usualFile));
}
