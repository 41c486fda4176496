import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RandomMoe, writeRandomMoe } from '../../bench/lib/random-moe-gguf.mjs';
import { packagePath } from '../../src/base/host/modules.js';
import { Llama } from '../../src/record/llama.js';
import { PassRecorder, type PassRouting } from '../../src/record/pass-recorder.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
const SHAPE = { layers: 3, hidden: 256, experts: 16, topK: 4, width: 256, heads: 4, kvHeads: 2, headSize: 64, format: 'q8_0' } as const;
const TOKENS = 40;

function isInstalled(): boolean {
  try {
    for (const name of ['koffi', '@fugood/llama.node/package.json', `@fugood/node-llama-${process.platform}-${process.arch}/package.json`])
      packagePath(name);
    return true;
  } catch {
    return false;
  }
}

/** Opens the engine once: types of koffi have names, which a process knows once. */
function opened() {
  const llama = new Llama('cpu');
  let recorder: PassRecorder;
  const listener = llama.listener((tensor, ask) => recorder.observe(tensor, ask));
  /** The routing of passes of so many tokens each, on a model of random weights. */
  async function routed(model: RandomMoe, gates: number, tokensOf: readonly number[]): Promise<PassRouting[]> {
    const path = join(folder, `${model.architecture}.gguf`);
    writeRandomMoe(path, model);
    await llama.open(path);
    recorder = new PassRecorder(llama);
    const probe = llama.begin(1, 1, listener);
    probe.read(Int32Array.of(5), true);
    probe.free();
    recorder.layout(gates);
    const text = llama.begin(TOKENS, 1, listener);
    let at = 0;
    const next = (): number => 3 + ((at++ * 37) % 250);
    const passes = tokensOf.map((count) => {
      text.read(Int32Array.from({ length: count }, next), true);
      return recorder.finish(count);
    });
    text.free();
    return passes;
  }
  return { llama, routed };
}

/** Choices and gates of a token at a layer. */
function cell({ ids, weights }: PassRouting, token: number, layer: number, width: number): { ids: number[]; weights: number[] } {
  const from = (token * SHAPE.layers + layer) * width;
  return { ids: [...ids.subarray(from, from + width)], weights: [...weights.subarray(from, from + width)] };
}

const installed = isInstalled();
if (!installed) console.warn('SKIPPED: the real engine, whose packages are not installed');

describe.skipIf(!installed)('the real engine', () => {
  let engine: ReturnType<typeof opened>;
  beforeAll(() => {
    engine = opened();
  });

  const one = new Array<number>(TOKENS).fill(1);

  it.each(['qwen3moe', 'gpt-oss', 'llama'] as const)(
    '%s: a pass of many tokens routes as passes of one, with candidates',
    async (architecture) => {
      const model = { ...SHAPE, architecture };
      const [whole] = await engine.routed(model, 3, [TOKENS]);
      const singles = await engine.routed(model, 3, one);
      let [same, all] = [0, 0];
      for (let token = 0; token < TOKENS; token++) {
        for (let layer = 0; layer < SHAPE.layers; layer++) {
          const { ids, weights } = cell(whole!, token, layer, 7);
          if (architecture !== 'gpt-oss' && layer === SHAPE.layers - 1 && token < TOKENS - 1) {
            // The engine left it out, as it does in most architectures.
            expect(ids).toEqual(new Array(7).fill(NULL_EXPERT));
            continue;
          }
          expect(new Set(ids).size).toBe(7);
          expect(weights).toEqual(weights.toSorted((a, b) => b - a));
          all += SHAPE.topK;
          const single = cell(singles[token]!, 0, layer, 7).ids.slice(0, SHAPE.topK);
          same += ids.slice(0, SHAPE.topK).filter((id) => single.includes(id)).length;
        }
      }
      // Sums in another order may turn near ties.
      expect(same / all).toBeGreaterThan(0.98);
    },
  );

  it('chooses the same with and without candidates', async () => {
    const model = { ...SHAPE, architecture: 'qwen3moe' } as const;
    const narrow = await engine.routed(model, 0, one);
    const wide = await engine.routed(model, 3, one);
    for (let token = 0; token < TOKENS; token++)
      for (let layer = 0; layer < SHAPE.layers; layer++)
        expect(cell(narrow[token]!, 0, layer, 4).ids).toEqual(cell(wide[token]!, 0, layer, 7).ids.slice(0, 4));
  });

  it('refuses a chat where the model has no template, and a file that it cannot load', async () => {
    expect(() => engine.llama.tokens([{ role: 'user', content: 'hello' }])).toThrow('no chat template');
    expect(engine.llama.tokens('hello').length).toBeGreaterThan(3);
    await expect(engine.llama.open(join(folder, 'gone.gguf'))).rejects.toThrow('the engine cannot load it');
  });
});
