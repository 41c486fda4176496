import type { LinkSpec } from '../../hardware/door.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import { Link } from '../transfer/link.js';
import type { Observer } from '../transfer/observer.js';
import type { Hooks } from '../vocabulary/hooks.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** L14: an exclusive cache writes its victims back over a link of its own; their slots are free afterwards. */
class WriteBack implements Hooks {
  readonly link: Link;
  readonly #gpu: GpuParts['gpu'];

  constructor(gpu: GpuParts['gpu'], spec: LinkSpec) {
    this.#gpu = gpu;
    this.link = new Link(spec, new Float64Array(gpu.model.experts));
  }

  observe(observer: Observer): void {
    this.link.observer = observer;
  }

  evicted(nowNs: number): number {
    const { gpu, recorder, sizes } = this.#gpu;
    let freeNs = 0;
    for (let k = 0; k < gpu.victimCount; k++) {
      const id = gpu.victims[k]!;
      const bytes = sizes[id]!;
      freeNs = Math.max(freeNs, this.link.demand(id, bytes, nowNs));
      recorder.writeBacks++;
      recorder.writeBackBytes += bytes;
    }
    return freeNs;
  }
}

function onGpu({ evictions, gpu, link }: GpuParts): FoldPart {
  const writeBack = new WriteBack(gpu, link);
  evictions.delay = true;
  return { hooks: [writeBack], links: [writeBack.link], oneByOne: true };
}

/** Write-back in a run. */
export const writeBack = (): RunPart => ({ on: onGpu });

/** Tiers that hold an expert once. */
export const WRITE_BACK: Mechanism = {
  name: 'write-back',
  law: 'L14',
  inRun: ({ plan }) => (plan.inputs.system.cache.exclusive ? writeBack() : null),
};
