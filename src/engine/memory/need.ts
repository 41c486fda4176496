// Demands on memory: the parts of a model and a run that memory is divided among.

import { capacityBytes } from '../../cache/capacity.js';
import type { HardwareSpec } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec } from '../../model/door.js';
import type { KvGrowth, Workload } from '../../schedule/door.js';
import { misfit, type RunSpec, type SystemSpec } from '../../system/door.js';
import type { Serving } from '../inputs/serving.js';
import type { DenseRooms } from './dense.js';

/** The memory of a machine, and the demands on it. */
export interface MemoryNeed extends AtOnce {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  /** Dense weights, and a copy of the model that drafts. */
  readonly denseBytes: number;
  readonly rooms: DenseRooms;
  /** GPU memory left by dense weights and the drafting model. */
  readonly leftBytes: number;
  /** Buffers for streamed experts and for prefetches. */
  readonly stagingBytes: number;
  /** Capacity that the system or the run gives the expert cache, perhaps in experts per layer; null: the rest. */
  readonly wanted: { readonly bytes: number; readonly perLayer: number | null } | null;
  readonly run: RunSpec;
  readonly kvGrowth: KvGrowth;
  readonly serving: Serving;
}

/** Upper limits of KV caches. */
interface AtOnce {
  /** Requests that run at once. */
  readonly sequences: number;
  /** Tokens in the KV cache of one request, its context included. */
  readonly longest: number;
}

/** The upper limits of the KV caches of a run. */
export function atOnce(run: RunSpec, workload: Workload, serving: Serving): AtOnce {
  return { sequences: Math.min(serving.running, workload.requests), longest: workload.longest + (run.workload.context ?? 0) };
}

/**
 * The size that the system or the run gives the expert cache; null: neither does.
 * @param most bytes of the experts that may lie on the GPU
 * @throws UserError where both give one and they differ
 */
export function wantedCapacity(model: ModelSpec, most: number, { cache, name }: SystemSpec, run: RunSpec): MemoryNeed['wanted'] {
  const fixed = cache.capacity;
  const asked = run.memory.expertCache;
  if (fixed !== undefined && asked !== undefined && fixed.text !== asked.text) {
    const message = `system ${name} fixes its expert cache at ${fixed.text}; leave the size out, or take another system`;
    throw misfit(run, 'memory.expertCache', message);
  }
  const wanted = fixed ?? asked;
  return wanted === undefined
    ? null
    : {
        bytes: most < expertBytesTotal(model) ? Math.min(most, capacityBytes(wanted, model)) : capacityBytes(wanted, model),
        perLayer: wanted.kind === 'per-layer' ? wanted.experts : null,
      };
}
