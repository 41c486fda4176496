import { UserError } from '../../base/errors.js';
import { allocate, runtimeOfProfile } from '../../runtime/door.js';
import type { RunSpec } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';

/** Tokens of a pass with buffers inside a machine profile's reserve: the usual ubatch. */
export const RESERVED_TOKENS = 512;

/** Memory never filled by activations, bytes. Ours. */
const AMPLE = 1e12;

/**
 * Bytes of a pass's activations beyond {@link RESERVED_TOKENS}, for known runtime buffers; 0: unknown.
 * @param sequences concurrent @param longest tokens of a KV cache
 */
export function activationsOf(
  { hardware, model }: Pick<Inputs, 'hardware' | 'model'>,
  { memory }: RunSpec,
  sequences: number,
  longest: number,
): (tokens: number) => number {
  const rules = runtimeOfProfile(hardware.software?.runtime ?? '')?.memory?.rulesOf({});
  if (rules === undefined || model.anatomy === undefined || hardware.cpuOnly || hardware.tiers[0]!.bytes >= AMPLE) return () => 0;
  const { keys = 'f16', values = 'f16' } = memory.kvFormat ?? {};
  const cards = hardware.joined?.sharing === 'layers' ? hardware.joined.cards : null;
  const bytes = (tokens: number): number => {
    const { devices } = allocate(model, {
      rules,
      gpus: cards?.length ?? 1,
      ...(cards === null ? {} : { tensorSplit: cards.map((card) => card.bytes) }),
      gpuLayers: memory.gpuLayers ?? Number.POSITIVE_INFINITY,
      context: longest * sequences,
      parallel: sequences,
      batch: Math.max(2048, tokens),
      ubatch: tokens,
      kv: { k: keys, v: values },
      flashAttention: hardware.gpu.scoreBytes === undefined,
      mla: 3,
      ...(memory.kvIn === 'dram' ? { kvOnCpu: true } : {}),
    });
    return devices.reduce((sum, { compute, name }) => (name === 'cpu' ? sum : sum + compute), 0);
  };
  let reserved: number | null = null;
  return (tokens) => {
    if (tokens <= RESERVED_TOKENS) return 0;
    try {
      reserved ??= bytes(RESERVED_TOKENS);
      return Math.max(0, bytes(tokens) - reserved);
    } catch (error) {
      // Unknown layer state or type.
      if (error instanceof UserError) return 0;
      throw error;
    }
  };
}
