// The name of a modified system includes its modifications.
import type { Result } from '../result/result.js';

/** The policy and predictor that replace a system's own: `, with s3-fifo:small=0.2`; empty where none does. */
export function changedParts({ config }: Pick<Result, 'config'>): string {
  const { overrides } = config as {
    readonly overrides?: { readonly system?: readonly { readonly path: string; readonly value: unknown }[] };
  };
  const parts = (overrides?.system ?? []).flatMap(({ path, value: to }) => {
    if (path === 'cache.policy') return [String(to)];
    return path === 'predictor.kind' || path === 'predictor' ? [to === 'none' ? 'no predictor' : `predictor ${String(to)}`] : [];
  });
  return parts.length === 0 ? '' : ` with ${parts.join(', ')}`;
}
