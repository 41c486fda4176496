// Metrics of memory: its division, how that changed during the run, and what faults and growing KV caches cost.
import { usesCpu } from '../../hardware/door.js';
import { expertBytesTotal } from '../../model/door.js';
import type { SimulatedGpu } from '../compose/simulation.js';
import type { Finished, Values } from './finished.js';

/** Memory of the GPU with the most of it, and of DRAM. */
export function memoryMetrics({ changing, inputs, layout, meters, passes, simulation }: Finished): Values {
  const { faults, gpus } = simulation;
  const beside = ({ memory: own }: SimulatedGpu): number => own.denseBytes + own.activationBytes + own.kvBytes + own.stagingBytes;
  const peak = changing?.peakBytes ?? most(gpus, (one) => beside(one) + one.gpu.peakBytes);
  const { dram, kvBytesPerToken: perToken } = layout.total;
  const kvPeak = passes.kv.peakTokens * perToken;
  const growing = passes.kv.growth !== 'static';
  // KV caches that grow were given room for more than they took.
  const kvTaken = passes.kv.gpus.map(({ peakTokens }) => peakTokens * perToken);
  const whole = most(gpus, ({ expertBytes, memory: own }, g) => own.denseBytes + (growing ? kvTaken[g]! : own.kvBytes) + expertBytes);
  const cached = gpus.flatMap(({ dram }) => (dram === null ? [] : [dram.peakBytes]));
  const expertBytes = cached.length === 0 ? expertBytesTotal(inputs.model) : cached.reduce((bytes, own) => bytes + own, 0);
  const dramKv = passes.kv.peakTokens * dram.kvBytesPerToken;
  return {
    'memory.kv_tokens': passes.kv.peakTokens,
    'memory.gpu.kv_peak': kvPeak,
    'memory.gpu.peak': peak,
    'memory.gpu.allocated': most(gpus, (one) => beside(one) + one.memory.cacheBytes),
    'memory.gpu.expert_cache': most(gpus, ({ memory: own }) => own.cacheBytes),
    ...(inputs.system.cache.copies === undefined ? {} : { 'memory.gpu.copies': most(gpus, ({ memory: own }) => own.copyBytes) }),
    'memory.gpu.saving': 1 - peak / whole,
    ...(changing === null
      ? {}
      : { 'memory.gpu.expert_cache_least': changing.leastCacheBytes, 'memory.gpu.expert_cache_mean': changing.meanCacheBytes }),
    ...(growing ? { 'schedule.preemptions': passes.kv.preemptions, 'schedule.recomputed': passes.totalRecomputed } : {}),
    ...meters.faults?.metrics(),
    ...(faults === null ? {} : { 'fault.restarts': faults.restarts }),
    ...(inputs.hardware.tiers[1]?.name === 'dram' ? { 'memory.dram.peak': expertBytes + dram.weightBytes + dramKv } : {}),
    ...(usesCpu(layout.dense) ? { 'memory.dram.dense': dram.weightBytes, 'memory.dram.kv_peak': dramKv } : {}),
  };
}

/** The largest value over all GPUs. */
const most = (gpus: readonly SimulatedGpu[], of: (gpu: SimulatedGpu, number: number) => number): number => Math.max(...gpus.map(of));
