// Fit: how many layers' experts llama.cpp's own search (common_fit_params, `--fit`) leaves in host memory for a card, a context and a ubatch,
// beside what `advise` chose for them.
import { inTurns, planned } from './engine.mjs';
import { fileOf, SHAPES } from './shapes.mjs';

/** Cards in GiB, with a name of parts: what a machine of such a card has else does not matter to a split. */
const CARDS = { 'rtx-3060': 12, t4: 16, 'rtx-3090': 24, 'rtx-5090': 32, 'rtx-a6000': 48 };
const CONTEXTS = [4096, 16384, 32768];
/** Host memory that holds every model. */
const HOST = 'ryzen-9-7950x+2xddr5-6000+1024GB';

/** Numbers from 0 to below 1, the same for a seed. */
function* random(seed) {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Machines: combinations of card, model and context, drawn without repetition. */
function machinesOf(count) {
  const all = SHAPES.flatMap((shape) => Object.keys(CARDS).flatMap((card) => CONTEXTS.map((context) => ({ shape, card, context }))));
  const draw = random(1);
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(draw.next().value * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count);
}

/**
 * Compares both searches.
 * @returns rows {model, card, context, ubatch, ours, theirs, whole, draft}: MoE layers of which some expert tensor lies in host memory; `skipped` where
 *   `advise` fits all on the card, or nothing
 */
export async function fitted(engine, moeprof, count = 200) {
  const tasks = machinesOf(count);
  const advices = [];
  for (const { card, context, shape } of tasks) {
    const wishes = { context, quantizations: [shape.label], goal: 'decode' };
    advices.push(await moeprof.advise(shape.model, `${card}+${HOST}`, wishes).catch((error) => ({ failed: error.message })));
  }
  return inTurns(tasks, async ({ card, context, shape }, i) => {
    const { answer, failed } = advices[i];
    const row = { model: shape.model, label: shape.label, card, context };
    if (!answer) return { ...row, skipped: failed ?? 'nothing fits' };
    const { setting } = answer;
    if (setting.gpuLayers !== null) return { ...row, skipped: 'whole layers in host memory' };
    const { ubatch } = setting;
    const ours = setting.cpuMoe + Number(setting.cpuProjections !== null);
    const file = await fileOf(engine, shape);
    const args = ['-m', file, '-c', String(context), '-np', '1', '-ub', String(ubatch), '-b', String(Math.max(2048, ubatch))];
    try {
      // The margin that moeprof leaves, 1 GiB, is the default of -fitt.
      const found = await planned(engine, 'fit', [...args, '-ctk', setting.kv, '-ctv', setting.kv, '-fa', 'on'], [CARDS[card] * 2 ** 30]);
      const moved = new Set(found.overrides.filter(([, where]) => where === 'CPU').map(([pattern]) => Number(/\d+/.exec(pattern)?.[0])));
      const { moe, total } = blocksOf(moeprof, shape);
      // Of the blocks and the output, the last ones lie on the card; -1: all.
      const whole = found.ngl < 0 ? 0 : total + 1 - found.ngl;
      const theirs = moe.filter((block) => moved.has(block) || block < whole).length;
      return { ...row, ubatch, ours, theirs, whole, draft: setting.draft };
    } catch (error) {
      return { ...row, skipped: `llama.cpp: ${error.message}` };
    }
  });
}

const known = new Map();
/** Blocks of a model with routed experts, and how many blocks there are. */
function blocksOf(moeprof, shape) {
  if (!known.has(shape.model)) {
    const { layers, nextLayers, tensors } = moeprof.loadModel(shape.model, shape.label).anatomy;
    const moe = new Set(tensors.filter(({ name }) => name.includes('_exps')).map(({ layer }) => layer));
    known.set(shape.model, { moe: [...moe], total: layers.length + nextLayers });
  }
  return known.get(shape.model);
}
