// The family of mechanisms: its registry, its laws, the plain run without any of them, and who serves each word.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { layerOfExperts } from '../../../src/cache/scope.js';
import { buildSimulation } from '../../../src/engine/build.js';
import { EventFold } from '../../../src/engine/event/fold.js';
import type { FoldPart, GpuParts } from '../../../src/engine/event/parts.js';
import { Evictions } from '../../../src/engine/event/place.js';
import { EachMiss } from '../../../src/engine/event/place-each.js';
import { RuleChoice } from '../../../src/engine/event/rules.js';
import { plainService } from '../../../src/engine/event/service.js';
import { openInputs } from '../../../src/engine/inputs/inputs.js';
import { MECHANISMS } from '../../../src/engine/mechanisms/index.js';
import type { RunPart } from '../../../src/engine/mechanisms/mechanism.js';
import { policiesFor } from '../../../src/engine/plan/policies.js';
import { planRun } from '../../../src/engine/plan/run-plan.js';
import { PrefetchOutcomes } from '../../../src/engine/prefetch/outcomes.js';
import { EventDemand, RunningEvent } from '../../../src/engine/vocabulary/event.js';
import { Recorder } from '../../../src/engine/vocabulary/recorder.js';
import { CostModel } from '../../../src/hardware/cost.js';
import { expertSizes } from '../../../src/model/spec.js';
import { MISS_ACTIONS, type MissAction } from '../../../src/system/actions.js';
import { checkRun } from '../../../src/system/load-run.js';
import { type MissRule, ruleOf } from '../../../src/system/miss-rules.js';
import { roomFor, tierOf } from '../harness.js';
import { world } from '../world.js';

const FOLDER = new URL('../../../src/engine/mechanisms/', import.meta.url);

/** Words by which the text of a law speaks of each mechanism. */
const SPOKEN: Readonly<Record<string, string>> = {
  balance: '`balance`',
  bypasses: 'whether the policy bypasses the expert',
  copies: '*Copies that stay.*',
  deferral: '*Deferral.*',
  faults: 'fault',
  gate: 'weight for them',
  'on-cpu': '`cheaper`',
  'op-offload': '`prompt.offloadFrom`',
  promotions: '*promoted*',
  'request-classes': 'request classes',
  rerank: 're-ranking',
  skip: '`skip`',
  staging: '*Staging.*',
  'stand-ins': '`substitute`',
  'write-back': '`cache.exclusive: on`',
};

describe('the registry of mechanisms', () => {
  it('has each file of the folder once, under its name', async () => {
    const files = readdirSync(FOLDER).filter((file) => !['index.ts', 'mechanism.ts'].includes(file));
    expect(MECHANISMS.map(({ name }) => `${name}.ts`).toSorted()).toEqual(files.toSorted());
    for (const mechanism of MECHANISMS) {
      const exported: object = await import(new URL(`${mechanism.name}.ts`, FOLDER).pathname);
      expect(Object.values(exported), mechanism.name).toContain(mechanism);
    }
  });

  it('names the law of each, which speaks of it', () => {
    const text = readFileSync(new URL('../../../docs/semantics.md', import.meta.url), 'utf8');
    // A law goes from its number to the next one, or to a heading; paragraphs without one may name the law they are of.
    const parts = text.split(/^(?=\*\*L\d+ |## )/m);
    for (const { law, name } of MECHANISMS) {
      const own = parts.filter((part) => part.startsWith(`**${law} `));
      expect(own, `${name}: ${law}`).toHaveLength(1);
      const beside = parts.filter((part) => part.startsWith('## ')).flatMap((part) => part.split('\n\n'));
      const speaking = [...own, ...beside.filter((paragraph) => paragraph.includes(`(${law})`))].join('\n');
      expect(speaking.replaceAll('\n', ' '), `${name}: ${law}`).toContain(SPOKEN[name]);
    }
  });
});

it('is shown in docs/extend.md by a file as it is', () => {
  const page = readFileSync(new URL('../../../docs/extend.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('### A mechanism'));
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(section)!;
  expect(shown).toBe(readFileSync(new URL('skip.ts', FOLDER), 'utf8'));
});

/** A run of LRU on one GPU: nothing is prefetched, nothing asks for a mechanism. */
async function plainRun() {
  const system = { name: 'lru', cache: { policy: 'lru' } };
  const [memory, workload] = [{ expertCache: '30%' }, { tokens: 20 }];
  const model = 'mini-mixtral-8x8l';
  const run = checkRun({ model, hardware: 'rtx-4090', memory, system, workload, bounds: false }, 'test');
  const plan = await planRun(await openInputs(run, {}), run);
  return { plan, policies: await policiesFor(plan) };
}

/** Mechanisms of the plain run under other rules. */
async function runPartsOf(rules: readonly MissRule[]): Promise<RunPart[]> {
  const use = await plainRun();
  return MECHANISMS.flatMap((mechanism) => mechanism.inRun({ ...use, rules }) ?? []);
}

/** A small GPU under composition. */
async function partsOf(onMiss: readonly MissRule[]): Promise<GpuParts> {
  const { hardware, model } = world({ layers: [{}], passes: [] });
  const knows = { model, seed: 1, clock: { event: 0, pass: 0, layer: 0 } };
  const [cost, link] = [new CostModel(model, hardware), hardware.links[0]!];
  const gpu = {
    ...{ ...knows, cost, onMiss, dram: null, overlaps: true, recorder: new Recorder(model.layers.length) },
    ...{ sizes: expertSizes(model), layerOf: layerOfExperts(model) },
    gpu: await tierOf(knows, 'lru', 20, 'global', link),
  };
  const event = new RunningEvent(new EventDemand(model), cost.cpuQueues);
  const [evictions, outcomes] = [new Evictions(gpu, event), new PrefetchOutcomes(gpu)];
  const ahead = { staging: null, idle: [], promoter: null };
  return { knows, link, gpu, event, evictions, outcomes, ahead, memory: roomFor(0), shard: null, expects: null };
}

describe('a run', () => {
  it('without mechanisms is the plain fold, on which nothing hooks', async () => {
    expect(await runPartsOf([ruleOf('load')])).toEqual([]);
    const simulation = await buildSimulation((await plainRun()).plan);
    expect(simulation.gpus.map(({ fold }) => fold.constructor)).toEqual([EventFold]);
    simulation.close();
  });

  /** How many mechanisms, and the plain services, serve a word; one that shares events serves them itself. */
  async function serversOf(word: MissAction): Promise<number> {
    const rule = ruleOf(word);
    const parts = await partsOf([rule]);
    const choice = new RuleChoice([rule], parts.event, () => []);
    const placing = new EachMiss(parts.gpu, parts.event, parts.evictions, choice, true);
    const serves = ({ place, service }: FoldPart): boolean => {
      const placed = place?.(choice, true);
      return (placed !== undefined && !(placed instanceof EachMiss)) || (service?.(placing, rule) ?? null) !== null;
    };
    const made = (await runPartsOf([rule])).flatMap((part) => part.on?.(parts) ?? []);
    return made.filter(serves).length + Number(plainService(placing, rule) !== null);
  }

  it.each(MISS_ACTIONS)('serves %s in one way', async (word) => {
    expect(await serversOf(word)).toBe(1);
  });
});
