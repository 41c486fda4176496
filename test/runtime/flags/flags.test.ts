// What each runtime is told: written in its flags, read back by its grammar.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { expertBytesTotal } from '../../../src/model/spec.js';
import { type CommandInput, flagsIn } from '../../../src/runtime/flags/dialect.js';
import { grammarOf, least, type NameIn } from '../../../src/runtime/flags/flag.js';
import { ADVISED, advisedRuntime } from '../../../src/runtime/index.js';
import { draftLengths } from '../../../src/runtime/kind/own-drafts.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { loadSystem } from '../../../src/system/system.js';
import { plainSetting } from '../setting/plain.js';
import { parseLine, readCommand, shellWords } from './command.js';

const SETTING = plainSetting({ ubatch: 2048 });
const TOLD: CommandInput = {
  setting: SETTING,
  spec: loadModel('qwen3-30b-a3b'),
  model: 'model.gguf',
  hub: null,
  name: 'model',
  moeLayers: 47,
  experts: 128,
  cacheBytes: 0,
  cpuExpertLayers: 0,
  splitPattern: null,
  gpus: 1,
  split: null,
  hostFree: 2 ** 40,
  cores: 16,
  sockets: 1,
  unified: false,
  format: 'q4_k',
  mla: false,
};

const said = (runtime: string, told: Partial<CommandInput>): Record<string, string> => {
  const { dialect } = advisedRuntime(runtime);
  return Object.fromEntries(readCommand(dialect, dialect.write({ ...TOLD, ...told })));
};

it('a row of a table is a flag with all spellings', () => {
  const facts = { program: 'p', version: '1', source: 's' };
  const grammar = grammarOf(facts, { '-a, --all': ['share', 'share of all'], '-b': [least(2), 'bits'] });
  expect(grammar).toEqual({
    ...facts,
    flags: [
      { names: ['-a', '--all'], takes: 'share', does: 'share of all' },
      { names: ['-b'], takes: { least: 2 }, does: 'bits' },
    ],
  });
  expectTypeOf<NameIn<typeof grammar>>().toEqualTypeOf<'-a' | '--all' | '-b'>();
});

it('a flag that is left out keeps the reason of its value', () => {
  expect(flagsIn([['-a', false, 'small'], false, ['-b', 2, 'large'], ['-c', null]])).toEqual({
    uses: [
      ['-b', 2],
      ['-c', null],
    ],
    why: { '-a': 'small', '-b': 'large' },
  });
});

describe('llama.cpp', () => {
  it('leaves the experts of first layers in host memory; layers without experts count', () => {
    expect(said('llama.cpp', { setting: { ...SETTING, cpuMoe: 20 }, cpuExpertLayers: 21 })).toEqual({
      '-m': 'model.gguf',
      '-c': '8192',
      '-np': '1',
      '-ngl': '99',
      '-ncmoe': '21',
      '-ub': '2048',
      '-b': '2048',
      '-fa': 'on',
      '-t': '16',
    });
  });

  it('leaves projections of the next layer there by name, before what counts layers', () => {
    const setting = { ...SETTING, cpuMoe: 20, cpuProjections: 'gate+up' } as const;
    const told = { ...TOLD, setting, cpuExpertLayers: 21, splitPattern: 'blk\\.21\\.ffn_(gate|up)_exps' };
    for (const runtime of ['llama.cpp', 'ik_llama.cpp']) {
      const { dialect } = advisedRuntime(runtime);
      const command = dialect.write(told);
      expect(command.steps[0]!.lines.join('\n')).toContain("-ot 'blk\\.21\\.ffn_(gate|up)_exps=CPU'");
      expect([...readCommand(dialect, command).keys()].filter((flag) => /-ot|moe/.test(flag))).toEqual(['-ot', '-ncmoe']);
    }
  });

  it('says it shortly where all stay there', () => {
    const flags = said('llama.cpp', { setting: { ...SETTING, cpuMoe: 47 } });
    expect(flags).toMatchObject({ '-cmoe': '' });
    expect(flags).not.toHaveProperty('-ncmoe');
  });

  it('names no thread where the GPU computes everything', () => {
    expect(said('llama.cpp', {})).not.toHaveProperty('-t');
  });

  it('gives all users their context together', () => {
    expect(said('llama.cpp', { setting: { ...SETTING, users: 4 } })).toMatchObject({ '-c': '32768', '-np': '4' });
  });

  it('stores keys and values alike', () => {
    expect(said('llama.cpp', { setting: { ...SETTING, kv: 'q8_0' } })).toMatchObject({ '-ctk': 'q8_0', '-ctv': 'q8_0', '-fa': 'on' });
  });

  it('keeps threads on one socket with as many as it has cores', () => {
    const setting = { ...SETTING, cpuMoe: 5, oneSocket: true };
    expect(said('llama.cpp', { setting, cores: 64, sockets: 2 })).toMatchObject({ '--numa': 'isolate', '-t': '32' });
  });

  it('spreads threads over sockets where the CPU computes', () => {
    expect(said('llama.cpp', { setting: { ...SETTING, cpuMoe: 5 }, sockets: 2 })).toMatchObject({ '--numa': 'distribute' });
  });

  it('fetches a model of the hub', () => {
    const flags = said('llama.cpp', { hub: 'unsloth/gpt-oss-120b-GGUF:q4_k_m' });
    expect(flags).toMatchObject({ '-hf': 'unsloth/gpt-oss-120b-GGUF:q4_k_m' });
    expect(flags).not.toHaveProperty('-m');
    expect(said('ollama', { hub: 'a/b:q8_0' })).toMatchObject({ FROM: 'hf.co/a/b:q8_0' });
    expect(said('sglang', { hub: 'a/b:fp8' })).toMatchObject({ '--model-path': 'a/b' });
  });

  it('quotes what a shell would split', () => {
    expect(said('llama.cpp', { model: "my model's file.gguf" })['-m']).toBe("my model's file.gguf");
  });
});

describe('ik_llama.cpp', () => {
  it('caches the latent of latent attention', () => {
    expect(said('ik_llama.cpp', { mla: true })).toMatchObject({ '-mla': '3', '-amb': '512' });
    expect(said('ik_llama.cpp', {})).not.toHaveProperty('-mla');
  });
});

describe('ktransformers', () => {
  it('says how many experts of each layer are on the GPU, and which kernels compute the others', () => {
    const setting = { ...SETTING, gpuExperts: 12 };
    expect(said('ktransformers', { setting, format: 'fp8', cores: 64, sockets: 2 })).toMatchObject({
      '--kt-num-gpu-experts': '12',
      '--kt-method': 'FP8',
      '--kt-cpuinfer': '64',
      '--kt-threadpool-count': '2',
    });
  });
});

describe('expert caches', () => {
  // 40 of 128 experts of 47 layers, 2 MiB each.
  const cached = (cache: string) => ({ setting: { ...SETTING, cache, cpuMoe: 47, slots: 40 }, cacheBytes: 40 * 47 * 2 ** 21 });

  it('of llama.cpp have a size of all layers together, and pinned experts', () => {
    const lru = said('llama.cpp', cached('llama.cpp-cache'));
    expect(lru).toMatchObject({ '-cmoe': '', '--moe-cache-mib': '3760', '-lm': 'none' });
    expect(lru).not.toHaveProperty('--moe-cache-cpu-share');
    expect(said('llama.cpp', {})).not.toHaveProperty('--moe-cache-mib');
  });

  it('of others have slots of a layer, of all layers, or the experts that are left', () => {
    expect(said('thecodacus', cached('llama.cpp-hot-set'))).toMatchObject({
      '-cmoe': '',
      '--moe-cache-slots': '40',
      '--moe-cache-profile': 'experts.csv',
    });
    expect(said('vllm', cached('vllm-expert-cache'))).toMatchObject({ '--moe-expert-cache-size': '40' });
    expect(said('exllamav3', cached('ktransformers-dynamic'))).toMatchObject({ '--cpu-moe-split-experts': '88' });
    expect(said('exllamav3', cached('ktransformers-dynamic'))).not.toHaveProperty('--cpu-moe-offload-layers');
    expect(said('ktransformers', cached('sglang-kt'))).toMatchObject({
      '--kt-num-gpu-experts': '40',
      '--kt-expert-placement-strategy': 'frequency',
      '--init-expert-location': 'experts.json',
    });
    expect(said('freetoken', cached('on-demand-lru'))).toMatchObject({ '--moe-strategy': 'offload', '--moe-cache-size': '1880' });
    expect(said('freetoken', cached('freetoken-hybrid'))).toMatchObject({ '--moe-strategy': 'hybrid', '--moe-cpu-threads': '16' });
    expect(said('freetoken', {})['--moe-strategy']).toBe('fused');
  });

  it.each(ADVISED.flatMap(({ caches, dialect, name }) => caches.map((cache) => [name, cache.system, cache, dialect] as const)))(
    'of %s, %s, is a bundled system, says where it was read, and its line has flags of its own',
    (name, system, { misses, read }, dialect) => {
      const { cache, onMiss } = loadSystem(system).value;
      expect(cache.policy).toBeDefined();
      expect(misses === 'link').toBe(JSON.stringify(onMiss).includes('load'));
      expect(read).toMatch(/20\d\d/);
      const own = [...readCommand(dialect, dialect.write({ ...TOLD, ...cached(system) })).keys()];
      expect(own.filter((flag) => !Object.hasOwn(said(name, {}), flag) && !/^-(cmoe|t)$/.test(flag)).length).toBeGreaterThan(0);
    },
  );
});

describe('lmstudio', () => {
  it('has rows of a dialog', () => {
    expect(said('lmstudio', { setting: { ...SETTING, cpuMoe: 20, kv: 'q8_0' }, cpuExpertLayers: 21 })).toEqual({
      'Context Length': '8192',
      'GPU Offload': 'max',
      'CPU Thread Pool Size': '16',
      'Evaluation Batch Size': '2048',
      'Max Concurrent Predictions': '1',
      'Number of layers for which to force MoE weights onto CPU': '21',
      'Flash Attention': 'on',
      'K Cache Quantization Type': 'q8_0',
      'V Cache Quantization Type': 'q8_0',
    });
  });
});

describe('mlx', () => {
  it('has the model, chunks, and as many caches as users', () => {
    expect(said('mlx', { model: 'air-4bit', setting: { ...SETTING, users: 2 } })).toEqual({
      '--model': 'air-4bit',
      '--prefill-step-size': '2048',
      '--decode-concurrency': '2',
      '--prompt-cache-size': '2',
    });
  });
});

describe('experts that follow prompts', () => {
  it('are asked for with the threshold that they need', () => {
    const setting = { ...SETTING, gpuExperts: 12, followsPrompts: true };
    expect(said('ktransformers', { setting, format: 'fp8' })).toMatchObject({
      '--kt-expert-placement-strategy': 'uniform',
      '--kt-gpu-prefill-token-threshold': '1024',
      '--kt-enable-dynamic-expert-update': '',
    });
    expect(said('ktransformers', { setting: { ...setting, followsPrompts: false }, format: 'fp8' })).not.toHaveProperty(
      '--kt-enable-dynamic-expert-update',
    );
  });

  it('are had by KTransformers alone, for formats that its GPU kernels share with the CPU', () => {
    const has = (quantization: string): string[] =>
      ADVISED.filter(({ followsFrom }) => followsFrom(loadModel('qwen3-30b-a3b', quantization)) !== null).map(({ name }) => name);
    expect(has('fp8')).toEqual(['ktransformers']);
    expect(has('bf16')).toEqual([]);
  });
});

describe('exllamav3', () => {
  it('counts only layers with experts, and has a cache of whole pages for all users', () => {
    const setting = { ...SETTING, cpuMoe: 20, kv: 'q8_0', users: 3, context: 1000 } as const;
    expect(said('exllamav3', { setting, cpuExpertLayers: 21, model: 'models/air-exl3' })).toEqual({
      '--model-dir': 'models',
      '--model-name': 'air-exl3',
      '--max-seq-len': '1000',
      '--cache-size': '3072',
      '--cache-mode': '8,8',
      '--chunk-size': '2048',
      '--max-batch-size': '3',
      '--cpu-moe-offload-layers': '20',
    });
    expect(said('exllamav3', { hub: 'owner/air-exl3' })).toMatchObject({ '--model-name': 'air-exl3', '--cache-mode': 'FP16' });
    expect(said('exllamav3', {})).not.toHaveProperty('--model-dir');
  });

  it('leaves the experts of first layers in host memory, and counts them there', () => {
    const { ladder, memory } = advisedRuntime('exllamav3');
    const model = loadModel('gpt-oss-20b');
    expect(ladder(model)).toHaveLength(25);
    const [gpu, host] = memory(model, { ...SETTING, ...ladder(model)[6]! }, loadHardware('rtx-3060+64GB')).devices;
    const layer = expertBytesTotal(model) / 24;
    expect([gpu!.weights, host!.weights]).toEqual([model.dense.weightBytes + 18 * layer, 6 * layer]);
  });
});

describe('vllm and sglang', () => {
  it('share tensors over GPUs', () => {
    expect(said('vllm', { gpus: 4 })).toMatchObject({ '--tensor-parallel-size': '4', '--max-model-len': '8192' });
    expect(said('sglang', { gpus: 4 })).toMatchObject({ '--tensor-parallel-size': '4', '--context-length': '8192' });
  });
});

describe('ollama', () => {
  it('has a Modelfile, and variables of its server', () => {
    const { dialect } = advisedRuntime('ollama');
    const told = { ...TOLD, blocks: 30, setting: { ...SETTING, gpuLayers: 30, kv: 'q8_0', users: 2 } } as const;
    const { steps } = dialect.write(told);
    expect(steps[0]).toEqual({
      file: 'Modelfile',
      lines: ['FROM model.gguf', 'PARAMETER num_ctx 8192', 'PARAMETER num_gpu 30', 'PARAMETER num_batch 2048', 'PARAMETER num_thread 16'],
    });
    expect(steps[1]!.lines).toEqual([
      '[Service]',
      ...['OLLAMA_FLASH_ATTENTION=1', 'OLLAMA_KV_CACHE_TYPE=q8_0', 'OLLAMA_NUM_PARALLEL=2'].map((set) => `Environment="${set}"`),
    ]);
    expect(Object.fromEntries(readCommand(dialect, { steps }))).toMatchObject({
      OLLAMA_NUM_PARALLEL: '2',
      num_gpu: '30',
      FROM: 'model.gguf',
    });
  });
});

describe('ollama since 0.30', () => {
  it('leaves experts in host memory by variables of its runner, for all layers or the first ones', () => {
    const cpuMoe = (count: number) => said('ollama', { setting: { ...SETTING, cpuMoe: count }, cpuExpertLayers: count + 1 });
    expect(cpuMoe(20)).toMatchObject({ LLAMA_ARG_N_CPU_MOE: '21', num_gpu: '999' });
    expect(cpuMoe(47)).toMatchObject({ LLAMA_ARG_CPU_MOE: '1' });
    expect(Object.keys(cpuMoe(0)).filter((name) => /MOE/.test(name))).toEqual([]);
    // It has no variable of ours for single projections.
    expect(
      advisedRuntime('ollama')
        .ladder(loadModel('glm-4.5-air'))
        .some(({ cpuProjections }) => cpuProjections !== null),
    ).toBe(false);
  });
});

describe('drafts of the model itself', () => {
  const setting = { ...SETTING, draft: 2 };

  it('are said in the words of each runtime that has them', () => {
    expect(said('llama.cpp', { setting })).toMatchObject({ '--spec-type': 'draft-mtp', '--spec-draft-n-max': '2' });
    expect(said('ik_llama.cpp', { setting })).toMatchObject({ '--spec-type': 'mtp:n_max=2,p_min=0.0' });
    expect(said('sglang', { setting })).toMatchObject({
      '--speculative-algorithm': 'EAGLE',
      '--speculative-num-steps': '2',
      '--speculative-eagle-topk': '1',
      '--speculative-num-draft-tokens': '3',
    });
    expect(JSON.parse(said('vllm', { setting })['--speculative-config']!)).toEqual({ method: 'mtp', num_speculative_tokens: 2 });
  });

  it('are not mentioned where nothing is drafted', () => {
    for (const runtime of ['llama.cpp', 'ik_llama.cpp', 'sglang', 'vllm'])
      expect(Object.keys(said(runtime, {})).filter((flag) => /spec/.test(flag))).toEqual([]);
  });

  it('are tried where the runtime finds the layers', () => {
    const [air, v3, dense] = ['glm-4.5-air', 'deepseek-v3', 'gpt-oss-20b'].map((name) => loadModel(name));
    const tried = (model: typeof air): string[] =>
      ADVISED.filter(({ ownDrafts }) => draftLengths(ownDrafts, model!, 1).length > 0).map(({ name }) => name);
    expect(tried(air)).toEqual(['llama.cpp', 'ik_llama.cpp', 'sglang', 'vllm']);
    // No pull request of llama.cpp has the layer of DeepSeek-V3.
    expect(tried(v3)).toEqual(['sglang', 'vllm']);
    expect(tried(dense)).toEqual([]);
    expect(draftLengths(advisedRuntime('ik_llama.cpp').ownDrafts, air!, 2)).toEqual([]);
  });
});

describe('a grammar', () => {
  const { grammar } = advisedRuntime('llama.cpp').dialect;

  it.each([
    ['llama-server -m a.gguf --n-cpu-mo 3', 'unknown flag "--n-cpu-mo": did you mean "--n-cpu-moe"'],
    ['llama-server -m a.gguf -ngl many', '-ngl: does not take "many"; write a whole number of at least 0'],
    ['llama-server -m a.gguf -fa', '-fa: has no value'],
    ['llama-server -m a.gguf -fa 1', 'write one of on, off, auto'],
    ['llama-server -m a.gguf -ot exps', '-ot: does not take "exps"; write pattern=buffer'],
    ["llama-server -m a.gguf -ot 'blk.(3=CPU'", '-ot: does not take "blk.(3=CPU"'],
    ['llama-server -m a.gguf -ot exps=GPU', '-ot: does not take "exps=GPU"'],
    ['llama-server -m a.gguf --model b.gguf', '--model is given twice'],
    ['llama-bench -m a.gguf', 'is no line of llama-server'],
  ])('refuses %s', (line, message) => {
    expect(() => parseLine(grammar, line)).toThrow(message);
  });

  it('refuses what is no object in JSON', () => {
    const { grammar: vllm } = advisedRuntime('vllm').dialect;
    for (const value of ['mtp', '[1]', '3']) {
      expect(() => parseLine(vllm, `vllm serve m --speculative-config ${value}`)).toThrow('write an object in JSON');
    }
  });

  it('takes other spellings for the same flag', () => {
    expect(parseLine(grammar, 'llama-server --model a.gguf --n-gpu-layers 3')).toEqual(
      new Map([
        ['-m', 'a.gguf'],
        ['-ngl', '3'],
      ]),
    );
  });

  it('needs the model of vllm before its flags', () => {
    expect(() => parseLine(advisedRuntime('vllm').dialect.grammar, 'vllm serve --max-model-len 8')).toThrow('needs 1 argument');
  });

  it('splits as a shell does', () => {
    expect(shellWords("a 'b c' \"d e\" f\\ g \\\n h'i'")).toEqual(['a', 'b c', 'd e', 'f g', 'hi']);
  });

  it.each(ADVISED.map(({ dialect, name }) => [name, dialect.grammar] as const))(
    'of %s says its version and source, and what each flag does',
    (_, own) => {
      expect(own.version).not.toBe('');
      expect(own.source).toMatch(/^github\.com\//);
      const names = own.flags.flatMap(({ names: all }) => all);
      expect(new Set(names).size).toBe(names.length);
      expect(own.flags.filter(({ does }) => does === '' || does.endsWith('.'))).toEqual([]);
    },
  );
});
