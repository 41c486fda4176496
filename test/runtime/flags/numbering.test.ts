// Law L27, numbering: bytes per device summed over tensor names by an engine's own rules equal moeprof's, for every line that it prints.
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../../src/advise/command.js';
import { highestOnGpu } from '../../../src/advise/fit.js';
import type { Priced } from '../../../src/advise/price.js';
import type { Question } from '../../../src/advise/question.js';
import { listProfiles } from '../../../src/base/profiles.js';
import { Random } from '../../../src/base/random.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { loadModel } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { gpusOf } from '../../../src/runtime/setting/fits.js';
import type { Setting } from '../../../src/runtime/setting/setting.js';
import { cases } from '../../cases.js';
import { plainSetting } from '../setting/plain.js';
import { loadedBytes } from './engine-rules.js';

const MODELS = listProfiles('models').filter((name) => loadModel(name).anatomy !== undefined);
const MACHINES = [
  'rtx-3060+ryzen-7-5700x+2xddr4-3200+64GB',
  '2xrtx-5090+ryzen-9-7950x+2xddr5-6000+128GB',
  'rtx-3060+rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB',
];
/** Of the rungs that are drawn. */
const SEED = 27;
const ENGINES = [
  { name: 'llama.cpp', headFirst: true },
  { name: 'ik_llama.cpp', headFirst: false },
];

/** Lines of a model on a machine, and bytes of weights by device as moeprof counts them: the setting that fills the cards, and some others. */
function* linesOf(name: string, model: ModelSpec, machine: string): Generator<{ line: string; counted: readonly number[]; gpus: number }> {
  const runtime = advisedRuntime(name);
  const hardware = loadHardware(machine, undefined, [], runtime.profile === null ? null : loadRuntime(runtime.profile));
  const question = { file: null, hardware, hub: null, runtime } as unknown as Question;
  const ladder = runtime.ladder(model);
  const beside = { ...plainSetting({ ubatch: 512, context: 4096 }), fromDisk: false };
  const fullest = highestOnGpu(question, model, beside);
  const random = new Random(SEED, 'rungs');
  const others = Array.from({ length: cases(20, 2) }, () => ladder[random.below(ladder.length)]!);
  const settings = [ladder[0]!, ...others].map((rung): Setting => ({ ...beside, ...rung }));
  for (const setting of fullest === null ? settings : [fullest, ...settings]) {
    const memory = runtime.memory(model, setting, hardware);
    const { steps } = commandOf(question, { ...memory, model, setting } as unknown as Priced);
    yield { line: steps[0]!.lines.join('\n'), counted: memory.devices.map(({ weights }) => weights), gpus: gpusOf(hardware) };
  }
}

function bytesOf(line: string, { anatomy }: ModelSpec, gpus: number, headFirst: boolean): number[] {
  const { layers, nextLayers, tensors } = anatomy!;
  return loadedBytes(line, tensors, layers.length + nextLayers, gpus, headFirst);
}

describe.each(ENGINES)('$name loads each tensor where moeprof counts it', ({ headFirst, name }) => {
  it.each(MODELS)('%s', (own) => {
    const model = loadModel(own);
    // A share of the machines, by turns.
    for (const machine of MACHINES.filter((_, i) => (i + MODELS.indexOf(own)) % MACHINES.length < cases(MACHINES.length))) {
      for (const { counted, gpus, line } of linesOf(name, model, machine)) {
        const loaded = bytesOf(line, model, gpus, headFirst);
        for (const [device, bytes] of loaded.entries()) expect(Math.abs(bytes - counted[device]!), line).toBeLessThan(1);
      }
    }
  });
});

describe('a broken numbering', () => {
  const nano = loadModel('nemotron-3-nano-30b-a3b');

  it('of mixers and FFNs joined to 29 layers leaves 17 GiB on a card of 12', () => {
    const gib = (line: string): number => bytesOf(`llama-server -ngl 99 ${line}`, nano, 1, true)[0]! / 2 ** 30;
    const [joined, own] = [gib("-ot 'blk\\.19\\.ffn_down_exps=CPU' -ncmoe 18"), gib("-ot 'blk\\.36\\.ffn_down_exps=CPU' -ncmoe 35")];
    expect([joined > 15, own < 11]).toEqual([true, true]);
  });

  it.each([
    ['of blocks for experts', / -ncmoe (\d+)/, (blocks: number) => ` -ncmoe ${blocks - 1}`],
    ['of blocks for a projection', /blk\\\.(\d+)/, (block: number) => `blk\\.${block + 1}`],
    ['of blocks on the card', / -ngl (\d+)/, (blocks: number) => ` -ngl ${blocks > 98 ? 30 : blocks + 1}`],
  ])('%s is found', (_, flag, broken) => {
    let found = 0;
    for (const own of ['nemotron-3-nano-30b-a3b', 'glm-4.5-air', 'qwen3-30b-a3b', 'deepseek-v2-lite']) {
      const model = loadModel(own);
      for (const { counted, gpus, line } of linesOf('llama.cpp', model, MACHINES[0]!)) {
        if (!flag.test(line)) continue;
        const other = line.replace(flag, (__, number: string) => broken(Number(number)));
        if (bytesOf(other, model, gpus, true).some((bytes, device) => Math.abs(bytes - counted[device]!) > 1)) found++;
      }
    }
    expect(found).toBeGreaterThan(1);
  });
});
