// L26: runs that are compared are under one runtime, unless somebody names it.
import { expect, it } from 'vitest';
import { orUserError, UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import type { Override } from '../../../src/base/yaml.js';
import { hardwareOf } from '../../../src/engine/inputs/inputs.js';
import { equalFooting } from '../../../src/study/door.js';
import { checkRun, type RunInput, type RunSpec } from '../../../src/system/door.js';

const MACHINES = ['rtx-4090', 'rx-7900-xtx', 'apple-m4-max', '2x-rtx-4090'];

const footingOf = async (...inputs: readonly RunInput[]): Promise<readonly unknown[]> =>
  (await equalFooting(inputs.map((input) => () => checkRun({ model: 'mini-mixtral-8x8l', ...input }, 'test')))).map(({ path, value }) => [
    path.join('.'),
    value,
  ]);

it('gives systems of several runtimes the usual one of the machine', async () => {
  expect(await footingOf({ system: 'expertflow' }, { system: 'on-demand-lru' })).toEqual([['runtime', 'default']]);
  expect(await footingOf({ system: 'expertflow' }, { system: 'fiddler' }, { system: 'ktransformers' })).toEqual([['runtime', 'default']]);
});

it('changes nothing where all have one runtime, or somebody names one, or each its own', async () => {
  expect(await footingOf({ system: 'expertflow' }, { system: 'fiddler' })).toEqual([]);
  expect(await footingOf({ system: 'on-demand-lru' }, { system: 'llama.cpp-cache', runtime: 'llama.cpp' })).toEqual([]);
  for (const runtime of ['own', 'hf-eager'])
    expect(await footingOf({ system: 'expertflow', runtime }, { system: 'on-demand-lru', runtime })).toEqual([]);
});

it.each(MACHINES)('has every system under the runtime of the others on %s', async (hardware) => {
  const systems = listProfiles('systems');
  const specs = (more: readonly Override[]) =>
    systems.map((system) => () => checkRun({ model: 'mini-mixtral-8x8l', hardware, system }, 'test', more));
  // A system whose own runtime does not drive the machine runs under another alone.
  const driven = (make: () => RunSpec) => orUserError(() => hardwareOf(make()).software!.runtime);
  const under = (more: readonly Override[]) =>
    new Set(
      specs(more)
        .map(driven)
        .filter((runtime) => typeof runtime === 'string'),
    );
  expect(under([]).size).toBeGreaterThan(3);
  expect(under(await equalFooting(specs([]))).size).toBe(1);
});

it('leaves a run that cannot be to say so itself', async () => {
  const refused = () => {
    throw new UserError('no');
  };
  expect(await equalFooting([refused, () => checkRun({ system: 'expertflow' }, 'test')])).toEqual([]);
});
