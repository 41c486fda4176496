// What every runtime is made of, so that a new one is told what it lacks: a folder, a line of the registry, and the names that it gives.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOMS } from '../../scripts/rooms.mjs';
import { commandOf } from '../../src/advise/command.js';
import type { Priced } from '../../src/advise/price.js';
import type { Question } from '../../src/advise/question.js';
import { listProfiles } from '../../src/base/profiles.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadModel } from '../../src/model/load/load.js';
import { ADVISED, defaultProfile, RUNTIMES } from '../../src/runtime/index.js';
import { draftLengths } from '../../src/runtime/kind/own-drafts.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { HOST } from '../../src/runtime/setting/fits.js';
import { bySlots, PLAIN, type Setting } from '../../src/runtime/setting/setting.js';
import { readCommand } from './flags/command.js';

const { inside } = ROOMS.find(({ name }) => name === 'runtime')!;
const FOLDERS = readdirSync('src/runtime', { withFileTypes: true }).filter((entry) => entry.isDirectory() && !inside.includes(entry.name));
const [PROFILES, SYSTEMS] = [listProfiles('runtimes'), listProfiles('systems')];
const MODELS = ['qwen3-30b-a3b', 'glm-4.5-air'].map((name) => loadModel(name));

it('folders are those of the registry, each once', () => {
  expect(FOLDERS.map(({ name }) => name).sort()).toEqual(RUNTIMES.map(({ name }) => name).sort());
});

describe.each(RUNTIMES.map((runtime) => [runtime.name, runtime] as const))('%s', (name, runtime) => {
  it('names profiles and systems that are bundled', () => {
    const programs = [name, ...Object.keys(runtime.programs)];
    const profiles = [
      ...[true, false].flatMap((mixed) => programs.map((program) => runtime.profileOf(program, mixed))),
      ...runtime.backends.map(({ profile }) => profile),
      runtime.advised?.profile ?? name,
    ];
    const known = profiles.map((profile) => RUNTIMES.find((one) => one.name === profile)?.advised?.profile ?? profile);
    // A runtime without speeds of its own has the machine's usual ones.
    const usual = runtime.advised?.profile === null ? [name] : [];
    expect(known.filter((profile) => !PROFILES.includes(profile) && !usual.includes(profile))).toEqual([]);
    const asked = programs.flatMap((program) => (['cpu', 'gpu', undefined] as const).map((misses) => ({ program, misses })));
    const systems = [
      ...asked.flatMap((experts) => runtime.systemOf({ ...experts, as: 'cache' }) ?? []),
      ...asked.flatMap((experts) => runtime.systemOf({ ...experts, as: 'followed share' }) ?? []),
      ...(runtime.advised?.caches ?? []).map(({ system }) => system),
    ];
    expect(systems.filter((system) => typeof system === 'string' && !SYSTEMS.includes(system))).toEqual([]);
  });
});

/** A machine that a runtime drives. */
const machineOf = (vendors: readonly string[] | undefined): string =>
  vendors?.includes('nvidia') === false ? 'apple-m4-max+64GB' : '2xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB';

describe.each(ADVISED.map((runtime) => [runtime.name, runtime] as const))('advice on %s', (_, runtime) => {
  const machine = machineOf(runtime.vendors);
  const beside = {
    ...PLAIN,
    quantization: null,
    ubatch: runtime.ubatches[0]!,
    kv: runtime.kv[0]!,
    context: 4096,
    users: 1,
    fromDisk: false,
  };

  it.each(MODELS.map((model) => [model.name, model] as const))('has lines that its program takes: %s', (__, model) => {
    const hardware = loadHardware(machine, undefined, [], loadRuntime(runtime.profile ?? defaultProfile('nvidia')));
    const question = { file: 'model', hardware, hub: null, runtime } as unknown as Question;
    const rungs = runtime.ladder(model);
    const places = [...new Set([0, 1, rungs.length >> 1, rungs.length - 1])].filter((at) => at < rungs.length);
    const cached = runtime.caches.flatMap(({ keeps, system }) =>
      bySlots(model, keeps)
        .slice(0, 1)
        .map((rung) => ({ ...rung, cache: system })),
    );
    const drafted = draftLengths(runtime.ownDrafts, model, 1)
      .slice(0, 1)
      .map((draft) => ({ ...rungs[0]!, draft }));
    const settings = [...places.map((at) => rungs[at]!), ...cached, ...drafted].map((part): Setting => ({ ...beside, ...part }));
    for (const setting of settings) {
      const command = commandOf(question, { ...runtime.memory(model, setting, hardware), model, setting } as unknown as Priced);
      expect(readCommand(runtime.dialect, command).size).toBeGreaterThan(2);
    }
    // No rung has more on the GPUs than the one above it.
    const onGpu = places.map((at) => runtime.memory(model, { ...beside, ...rungs[at]! }, hardware).devices);
    const bytes = onGpu.map((devices) => devices.filter(({ name }) => name !== HOST).reduce((sum, { weights }) => sum + weights, 0));
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
  });
});
