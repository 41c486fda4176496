// Every bundled model on six machines for three shells: the line comes out of the shell as it was meant, the program's grammar takes it, and what it
// fetches stands in the list of repositories. Where a build of llama.cpp is at hand (LLAMA_CPP_BUILD), its own parser reads the lines, too.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { usualOffer } from '../../../src/advise/ask.js';
import { commandOf } from '../../../src/advise/command.js';
import { USUAL_DRAFTING } from '../../../src/advise/drafting.js';
import { highestFit } from '../../../src/advise/fit.js';
import type { Priced, Pricer } from '../../../src/advise/price.js';
import type { Question } from '../../../src/advise/question.js';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { LINE_SHELLS } from '../../../src/base/shell.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { promisedFile, publishedFile, publishedFiles } from '../../../src/model/hub/published.js';
import { loadModel } from '../../../src/model/load/load.js';
import { bitsPerWeight, type ModelSpec } from '../../../src/model/spec.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { PLAIN } from '../../../src/runtime/setting/setting.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { readCommand, SPLITS } from '../../runtime/flags/command.js';

const MACHINES = [
  'rtx-3060+i5-12400f+2xddr4-3200+32GB',
  'rtx-4070-laptop+i9-13900hx+2xddr5-5600+64GB+windows',
  '2xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB',
  'ryzen-ai-max-395+128GB',
  'apple-m3-ultra+512GB',
  'rtx-5090+2xepyc-9355+24xddr5-6400+1536GB',
];
const RUNTIMES = ['llama.cpp', 'ik_llama.cpp', 'ollama', 'ktransformers'];
/** A build of llama.cpp; undefined: there is none here. */
const BUILD = process.env.LLAMA_CPP_BUILD;
const SERVER = BUILD === undefined ? undefined : join(BUILD, 'bin/llama-server');

/** llama.cpp on all machines; the others, which place alike, on a small and a large one. */
const driven = MACHINES.flatMap((machine, at) =>
  RUNTIMES.filter((_, i) => i === 0 || at === 0 || at === MACHINES.length - 1).map((name) => {
    const runtime = advisedRuntime(name);
    return {
      machine,
      runtime,
      hardware: loadHardware(machine, undefined, [], runtime.profile === null ? null : loadRuntime(runtime.profile)),
    };
  }),
);

/** Models by row: few sources name files of theirs. */
const inTable = (name: string): boolean => findProfile('models', name).includes('table.txt');

/** The question that a line answers; nothing is priced. */
function asked({ hardware, runtime }: (typeof driven)[number], model: (quantization: string | null) => ModelSpec): Question {
  const spec = model(null);
  const quantizations = usualOffer(runtime, spec, false, bitsPerWeight(spec));
  const rest = {
    pricer: null as unknown as Pricer,
    trace: null as unknown as RoutingTrace,
    file: null,
    hub: null,
    asked: spec.name,
    drafting: USUAL_DRAFTING,
    notes: [],
  };
  return {
    runtime,
    hardware,
    goal: { kind: 'decode' },
    request: { prompt: 512, output: 64 },
    context: 4096,
    users: 1,
    quantizations,
    model,
    ...rest,
  };
}

/** The highest placement of the first format that fits; null: none does. */
function placed(question: Question): Priced | null {
  for (const quantization of question.quantizations) {
    const model = question.model(quantization);
    const beside = {
      quantization,
      ubatch: 512,
      kv: 'f16',
      context: 4096,
      users: 1,
      ...PLAIN,
    } as const;
    const setting = highestFit(question, model, beside);
    if (setting === null) continue;
    const price = { decode: 1, prefill: 1, bands: { decode: null, prefill: null }, waits: { link: 0, cpu: 0 }, hitRate: 1 };
    return { ...question.runtime.memory(model, setting, question.hardware), setting, model, price, cost: 1, kept: true };
  }
  return null;
}

/** Repositories of the list, as lines name them. */
const LISTED = new Set([...publishedFiles().gguf, ...publishedFiles().folder].map(({ repository }) => repository));

/** What stands before a tag of a repository in a line; null: it names a file of the reader's own. */
function repositoryIn(values: ReadonlyMap<string, string>): string | null {
  const named = values.get('-hf') ?? values.get('-hfr') ?? values.get('FROM') ?? values.get('--model-path') ?? values.get('-m')!;
  return named.startsWith('path/to/') ? null : named.replace(/^hf\.co\//, '').replace(/:.*$/, '');
}

const lines: string[] = [];

// A composition of experts is no file of a model.
describe.each(listProfiles('models').filter((name) => name !== 'coe-150x7b'))('%s', (name) => {
  it('has lines that each shell and each program takes', () => {
    const specs = new Map<string | null, ModelSpec>();
    const model = (quantization: string | null): ModelSpec => {
      const spec = specs.get(quantization) ?? loadModel(name, quantization);
      specs.set(quantization, spec);
      return spec;
    };
    for (const one of driven) {
      const question = asked(one, model);
      const priced = placed(question);
      if (priced === null) continue;
      const read = LINE_SHELLS.map((shell) => {
        const command = commandOf({ ...question, shell }, priced);
        // Only the path of a file may be longer than a line.
        const shown = command.steps.flatMap(({ file, lines: all }) => (file === null ? all : []));
        expect(shown.filter((line) => line.length > 76 && !line.includes('.gguf'))).toEqual([]);
        if (one.runtime.name === 'llama.cpp' && shell.name === 'sh' && !inTable(name)) lines.push(command.steps[0]!.lines.join('\n'));
        return readCommand(one.runtime.dialect, command, SPLITS[shell.name]);
      });
      expect(new Set(read.map((values) => JSON.stringify([...values]))).size).toBe(1);
      const repository = repositoryIn(read[0]!);
      const wanted = { model: name, format: priced.model.quantization, reads: one.runtime.reads };
      const known = publishedFile(wanted);
      const promised = wanted.reads === 'gguf' && promisedFile(wanted) !== null;
      if (repository !== null) expect(LISTED).toContain(repository);
      // ik_llama.cpp takes files, not tags.
      const fetched = one.runtime.name === 'ik_llama.cpp' ? known?.file != null : known !== null || promised;
      expect([one.machine, one.runtime.name, repository !== null]).toEqual([one.machine, one.runtime.name, fetched]);
    }
  });
});

it('fetches most of what fits', () => {
  const own = lines.filter((line) => line.includes('path/to/'));
  expect(lines.length).toBeGreaterThan(150);
  // Small models of moeprof itself, encoders, and models that are too old have no file that is known; nor have those of the table.
  expect(own.length / lines.length).toBeLessThan(0.51);
});

it.runIf(SERVER !== undefined && existsSync(SERVER))(
  "passes llama.cpp's own parser from a shell",
  () => {
    for (const line of lines) {
      const real = `"$SERVER"${line.replace(/^llama-server/, '')} --version`;
      execFileSync('sh', ['-c', real], { env: { ...process.env, SERVER }, stdio: 'pipe' });
    }
    expect(() => execFileSync(SERVER!, ['-lm', 'nonsense', '--version'], { stdio: 'pipe' })).toThrow();
  },
  300_000,
);
