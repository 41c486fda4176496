import { existsSync } from '../../base/host/files.js';
import { findProfile, listProfiles, shownTrace, splitRows } from '../../base/profiles.js';
import { formatCount, formatCounted } from '../../base/units.js';
import { loadModel, type ModelSpec } from '../../model/door.js';
import { printable } from '../../report/door.js';
import { parseColumns } from '../../trace/formats/columns.js';
import { openTrace } from '../../trace/open/open.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { namedModel, type TraceFlags } from '../kit/options.js';

/** A path, `-` or bundled name, with optional rows `#FROM:TO`. @param fits false: any shape @throws UserError */
export async function openNamed(path: string, flags: TraceFlags, fits = true): Promise<{ trace: RoutingTrace; model: ModelSpec | null }> {
  const named = namedModel(flags);
  const model = named === undefined ? null : loadModel(named);
  const file = splitRows(path).path;
  const bundled = file !== '-' && !existsSync(file) && listProfiles('traces').includes(file);
  const trace = await openTrace(bundled ? findProfile('traces', path) : path, {
    model: model ?? undefined,
    fits: fits ? undefined : false,
    format: flags.traceFormat,
    columns: flags.traceColumns === undefined ? undefined : parseColumns(flags.traceColumns),
  });
  return { trace, model };
}

/** As {@link openNamed}, closing the trace after `work`. */
export async function withNamed<T>(
  path: string,
  flags: TraceFlags,
  work: (trace: RoutingTrace, model: ModelSpec | null) => T | Promise<T>,
): Promise<T> {
  const { model, trace } = await openNamed(path, flags);
  try {
    return await work(trace, model);
  } finally {
    trace.close();
  }
}

/** Identity of a trace in reports. */
export type TraceIdentity = ReturnType<typeof identityOf>;

/** Identity of a trace. */
export function identityOf(trace: RoutingTrace) {
  const { expertsPerLayer, layers, meta, path, requests, tokens, topK } = trace;
  const { format, model, synthetic } = meta;
  const shape = { tokens, requests: requests.length, layers, topK, expertsPerLayer };
  return { path: shownTrace(path), sha256: trace.sha256(), format, model, synthetic, ...shape } as const;
}

/** `8,000 tokens in 1 request, 48 layers of 128 experts, top-8; safetensors, recorded from qwen3-30b-a3b` */
export function describeTrace({ expertsPerLayer, format, layers, model, requests, synthetic, tokens, topK }: TraceIdentity): string {
  const [least, most] = [Math.min(...expertsPerLayer), Math.max(...expertsPerLayer)];
  const experts = least === most ? formatCount(most) : `${formatCount(least)} to ${formatCount(most)}`;
  const origin = synthetic ? 'synthetic' : 'recorded';
  const from = model === null ? '' : ` ${synthetic ? 'for' : 'from'} ${printable(model)}`;
  return (
    `${formatCount(tokens)} tokens in ${formatCounted(requests, 'request')}, ${formatCounted(layers, 'layer')} of ` +
    `${experts} experts, top-${topK}; ${printable(format)}, ${origin}${from}`
  );
}
