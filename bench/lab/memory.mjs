// Memory: bytes of weights, context and compute by device as llama.cpp plans them for a line, beside those of moeprof's `allocate`.
import { inTurns, planned } from './engine.mjs';
import { fileOf, SHAPES } from './shapes.mjs';

/** Bytes of each declared card: everything finds a place, so that a plan is what its flags ask for. */
const CARD = 2 ** 41;

/**
 * Plans of each shape: cards; blocks on them, and blocks whose experts stay in host memory, as shares of all; tokens of a pass and of context,
 * type of the cache, sequences at once.
 */
const PLANS = [
  { gpus: 1, host: 0, ubatch: 512, context: 4096, kv: 'f16', users: 1 },
  { gpus: 1, host: 0.5, ubatch: 512, context: 16384, kv: 'f16', users: 1 },
  { gpus: 1, host: 0.5, ubatch: 2048, context: 16384, kv: 'f16', users: 1 },
  { gpus: 1, host: 1, ubatch: 4096, context: 65536, kv: 'f16', users: 1 },
  { gpus: 1, host: 0.5, ubatch: 1024, context: 32768, kv: 'q8_0', users: 1 },
  { gpus: 1, host: 1, ubatch: 512, context: 16384, kv: 'f16', users: 4 },
  { gpus: 1, blocks: 0.5, host: 1, ubatch: 512, context: 16384, kv: 'f16', users: 1 },
  { gpus: 2, host: 0, ubatch: 512, context: 16384, kv: 'f16', users: 1 },
  { gpus: 2, host: 0.5, ubatch: 2048, context: 16384, kv: 'f16', users: 1 },
  { gpus: 2, host: 1, ubatch: 512, context: 16384, kv: 'q8_0', users: 1 },
  { gpus: 0, host: 0, ubatch: 512, context: 8192, kv: 'f16', users: 1 },
  { gpus: 0, host: 0, ubatch: 2048, context: 32768, kv: 'f16', users: 1 },
];

/** A plan of a model with some blocks, in the words of the engine and of moeprof. */
function wordsOf({ blocks, context, gpus, host, kv, ubatch, users }, layers) {
  const onCards = gpus === 0 ? 0 : blocks === undefined ? 99 : Math.round(blocks * layers);
  const onHost = Math.round(host * layers);
  const batch = Math.max(2048, ubatch);
  const line = `-c ${context} -np ${users} -ngl ${onCards} -ncmoe ${onHost} -ub ${ubatch} -b ${batch} -ctk ${kv} -ctv ${kv} -fa on`;
  const plan = {
    engine: 'llama.cpp',
    gpus,
    gpuLayers: onCards === 99 ? Number.POSITIVE_INFINITY : onCards,
    cpuMoeLayers: onHost,
    context,
    parallel: users,
    outputs: users,
    batch,
    ubatch,
    kv: { k: kv, v: kv },
    flashAttention: true,
    mla: 3,
    // Overridden tensors switch the pipeline off.
    ...(gpus > 1 && onHost === 0 ? { pipelineCopies: 4 } : {}),
  };
  return { line, plan };
}

/**
 * Every plan of every shape.
 * @param moeprof the library
 * @param shapes names of models; absent: all
 * @returns rows {model, label, plan, gpus, parts: [{device, part, engine, profile, file}]} in bytes; `error` where one of both refuses
 */
export async function memory(engine, moeprof, shapes) {
  const tasks = SHAPES.filter(({ model }) => shapes?.includes(model) ?? true).flatMap((shape) => PLANS.map((plan) => ({ shape, plan })));
  const files = new Map();
  for (const shape of new Set(tasks.map(({ shape }) => shape))) files.set(shape, await fileOf(engine, shape));
  const models = new Map();
  for (const [shape, path] of files)
    models.set(shape, { profile: moeprof.loadModel(shape.model, shape.label), file: moeprof.loadModel(path) });
  return inTurns(tasks, async ({ plan, shape }) => {
    const { file, profile } = models.get(shape);
    const { line, plan: load } = wordsOf(plan, file.anatomy.layers.length + file.anatomy.nextLayers);
    const row = { model: shape.model, architecture: shape.architecture, label: shape.label, line, gpus: plan.gpus };
    try {
      const theirs = await bytesOf(engine, ['-m', files.get(shape), ...line.split(' ')], plan.gpus);
      const ours = [profile, file].map((model) => moeprof.allocate(model, load).devices);
      return {
        ...row,
        parts: theirs.flatMap((device, i) =>
          partsOf(
            device,
            ours.map((devices) => devices[i]),
          ),
        ),
      };
    } catch (error) {
      return { ...row, error: error.message, parts: [] };
    }
  });
}

/**
 * Bytes by device, cards first. What several cards compute with is taken from buffers that stand: what is planned for them lacks the passes
 * before the largest one, after which buffers are never smaller.
 */
export async function bytesOf(engine, args, gpus, sizes = Array(gpus).fill(CARD)) {
  const devices = await planned(engine, 'plan', args, sizes);
  if (gpus < 2) return devices;
  const standing = await planned(engine, 'start', args, sizes);
  return devices.map((device, i) => ({ ...device, compute: standing[i].compute }));
}

function partsOf(theirs, ours) {
  return ['weights', 'kv', 'compute'].map((part) => ({
    device: theirs.name,
    part,
    engine: theirs[part],
    profile: ours[0][part],
    file: ours[1][part],
  }));
}
