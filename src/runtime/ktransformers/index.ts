// KTransformers: kernels that compute experts on the CPU, alone or below SGLang's server.
import { mainFormat } from '../../model/door.js';
import { byShare, SERVER } from '../kind/advised.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { evalRates } from '../logs/eval-rates.js';
import { SGLANG_LEAVES } from '../sglang/flags.js';
import { followsFrom, ktransformersFlags } from './flags.js';
import { ktransformersServer } from './server-log.js';

/** KTransformers. */
export const ktransformersRuntime: KnownRuntime = {
  name: 'ktransformers',
  programs: { 'sglang+kt': 'sglang-kt' },
  // Its CUDA graphs hold only where no expert is on the GPU.
  mixedProfile: 'ktransformers-eager',
  logs: [
    { format: ktransformersServer, by: 'KTransformers server' },
    { format: evalRates, by: 'KTransformers local_chat' },
  ],
  advised: {
    ...SERVER,
    profile: 'sglang-kt',
    dialect: ktransformersFlags,
    followsFrom: ({ layers }) => followsFrom(mainFormat(layers[0]!.formats)),
    ladder: byShare,
    // Its pools of threads are faster on all sockets, so it never isolates one.
    memory: (...served) => servedMemory(SGLANG_LEAVES, ...served),
  },
  places: 'all in host memory',
  systems: { followsUse: 'ktransformers-dynamic' },
};
