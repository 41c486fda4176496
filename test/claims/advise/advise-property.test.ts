// Ten models on six machines under four runtimes: what is advised fits, one step more on the GPU does not or is not faster, nor are other
// sockets or a longer draft, and the runtime would take the flags.
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../../src/advise/command.js';
import { USUAL_DRAFTING } from '../../../src/advise/drafting.js';
import { devicesOf, highestFit, ladderOf, rungOf } from '../../../src/advise/fit.js';
import { Pricer, tokensNeeded } from '../../../src/advise/price.js';
import type { Question } from '../../../src/advise/question.js';
import { bestSetting, canIsolate, lengthsOf, priced } from '../../../src/advise/search.js';
import { orUserError } from '../../../src/base/errors.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { loadModel } from '../../../src/model/load/load.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { isFit } from '../../../src/runtime/setting/fits.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { readCommand } from '../../runtime/flags/command.js';
import { plainSetting } from '../../runtime/setting/plain.js';
import { MODELS } from './models.js';

const MACHINES = [
  'rtx-3060+ryzen-7-5700x+2xddr4-3200+32GB',
  'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB',
  '2xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB',
  'rx-7900-xtx+ryzen-9-7950x+2xddr5-6000+96GB',
  'rtx-5090+2xepyc-9355+24xddr5-6400+768GB',
  'ryzen-9-7950x+2xddr5-6000+64GB',
];
const RUNTIMES = ['llama.cpp', 'ik_llama.cpp', 'ktransformers', 'ollama'];

/** Machines under each runtime, composed once for all models. */
const PAIRS = MACHINES.map((machine) => ({
  machine,
  driven: RUNTIMES.flatMap((name) => {
    const runtime = advisedRuntime(name);
    const hardware = orUserError(() =>
      loadHardware(machine, undefined, [], runtime.profile === null ? null : loadRuntime(runtime.profile)),
    );
    // ik_llama.cpp and KTransformers drive no cards of AMD.
    return hardware instanceof Error ? [] : [{ runtime, hardware }];
  }),
}));

// Short: speeds of longer prompts change no order of placements, and passes beyond the prompt are not tried.
const REQUEST = { prompt: 64, output: 64 };

/** Flags that were advised at least once. */
const used = new Set<string>();

describe.each([...MODELS, 'deepseek-v3', 'olmoe-1b-7b'])('%s', (name) => {
  const model = loadModel(name);
  const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, REQUEST), decode: 0 }] });

  it.each(PAIRS)('on $machine', async ({ driven }) => {
    for (const { hardware, runtime } of driven) {
      const common = { runtime, hardware, goal: { kind: 'decode' as const }, request: REQUEST, context: 8192, users: 1 };
      const rest = { quantizations: [null], trace, file: null, hub: null, drafting: USUAL_DRAFTING, notes: [] };
      const question: Question = { ...common, ...rest, pricer: new Pricer(trace, REQUEST), model: () => model };
      const best = await bestSetting(question, null, 'f16');
      const ladder = ladderOf(question, model, best?.setting.cache ?? null);
      if (best === null) {
        // Nothing fits: of the rungs, the first, the last and some between are asked.
        const beside = plainSetting({ ubatch: runtime.ubatches[0]! });
        expect(
          ladder.filter(
            (rung, at) => (at % 16 === 0 || at === ladder.length - 1) && isFit(devicesOf(question, model, { ...beside, ...rung })),
          ),
        ).toEqual([]);
        continue;
      }
      expect(isFit(best.devices)).toBe(true);
      const above = ladder[rungOf(ladder, best.setting) - 1];
      if (above !== undefined) {
        const setting = { ...best.setting, ...above };
        const fits = isFit(devicesOf(question, model, setting));
        if (fits) expect((await priced(question, model, setting)).price.decode).toBeLessThanOrEqual(best.price.decode);
      }
      const command = commandOf(question, best);
      const read = readCommand(runtime.dialect, command);
      expect(read.size).toBe(command.uses.length);
      for (const [flag, value] of read) used.add(`${runtime.name} ${flag}`).add(`${runtime.name} ${flag} ${value}`);
      if (canIsolate(question, best.setting) && best.setting.draft === 0) {
        const other = highestFit(question, model, { ...best.setting, oneSocket: !best.setting.oneSocket });
        if (other !== null) expect((await priced(question, model, other)).price.decode).toBeLessThanOrEqual(best.price.decode);
      }
      const next = lengthsOf(question, model).find((draft) => draft > best.setting.draft);
      if (next !== undefined) {
        const longer = highestFit(question, model, { ...best.setting, draft: next });
        if (longer !== null) expect((await priced(question, model, longer)).price.decode).toBeLessThanOrEqual(best.price.decode);
      }
    }
  });
});

it('advises each flag that places weights', () => {
  for (const runtime of ['llama.cpp', 'ik_llama.cpp']) {
    for (const flag of ['-ncmoe', '-ot', '-ts', '--numa distribute']) expect(used).toContain(`${runtime} ${flag}`);
  }
  expect(used).toContain('llama.cpp --spec-type draft-mtp');
  expect(used).toContain('ktransformers --kt-num-gpu-experts');
  expect(used).toContain('ollama num_gpu');
});
