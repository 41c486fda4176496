// What lossy systems do to a model's words, measured in llama.cpp itself on the minis: fewer experts, choices left out by their gates, others in their
// place, fewer bits. Their direction, not the size of a large model's loss. LAB_MINI names GGUF files, as for recorder.mjs.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable, percent } from '../lib/bench.mjs';
import { ended } from './engine.mjs';
import { inFolder, minis, textsOf } from './minis.mjs';

/** Texts of each domain; a text has at most 384 tokens (quality.cpp). */
const TEXTS = 2;

/** Formats of smaller copies: experts alone, everything else stays in f32. Bits a weight are those of the format's blocks. */
const FORMATS = { q8_0: 8.5, q5_0: 5.5, q4_0: 4.5 };

/**
 * @returns rows {model, change, tokens, divergence (nats a token), same, changed, bits}; null: no model is named
 * @throws Error where llama.cpp cannot read a model
 */
export function quality(engine) {
  return minis === null ? null : inFolder((folder) => measured(engine, folder));
}

async function measured(engine, folder) {
  const program = join(folder, 'quality');
  const include = ['ggml/include', 'include'].map((one) => `-I${join(engine.source, one)}`);
  const libraries = ['llama', 'ggml', 'ggml-base'].map((name) => join(engine.bin, `lib${name}.so`));
  const source = fileURLToPath(new URL('quality.cpp', import.meta.url));
  execFileSync('g++', ['-std=c++17', '-O2', '-w', ...include, source, '-o', program, ...libraries, `-Wl,-rpath,${engine.bin}`]);
  const rows = [];
  for (const path of minis) {
    const texts = join(folder, 'texts');
    writeFileSync(texts, firstTexts(path));
    rows.push(...(await read(program, [path, texts])).map((row) => ({ model: basename(path, '.gguf'), ...row })));
    for (const [format, bits] of Object.entries(FORMATS)) {
      const smaller = join(folder, `${format}.gguf`);
      const env = { ...process.env, LD_LIBRARY_PATH: engine.bin };
      const rest = ['--token-embedding-type', 'f32', '--output-tensor-type', 'f32', '--tensor-type', 'attn_.*=f32'];
      const { code, stderr } = await ended(join(engine.bin, 'llama-quantize'), [...rest, path, smaller, format], { env });
      if (code !== 0) throw new Error(`llama-quantize ended with ${code}: ${stderr.trim().slice(-200)}`);
      const [row] = await read(program, [smaller, texts, path]);
      rows.push({ model: basename(path, '.gguf'), ...row, change: `experts in ${format}`, bits });
    }
  }
  return rows;
}

/** The first texts of each domain, a zero byte after each. */
function firstTexts(path) {
  const taken = new Map();
  const texts = textsOf(path).filter(({ domain }) => {
    taken.set(domain, (taken.get(domain) ?? 0) + 1);
    return taken.get(domain) <= TEXTS;
  });
  return texts.map(({ prompt }) => `${prompt}\0`).join('');
}

async function read(program, args) {
  const { code, stderr, stdout } = await ended(program, args, {});
  if (code !== 0) throw new Error(`quality ended with ${code}: ${stderr.trim().slice(-200)}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What each change stands for among the bundled systems. */
const SYSTEMS = [
  [/^fewer/, 'a smaller top-k (`--top-k`)'],
  [/^skip/, 'adapmoe (`--variant sensitivity`), hobbit'],
  [/^substitute/, 'buddymoe, daop'],
  [/^experts/, 'hobbit, slicemoe (`lost_bits`)'],
];

/** Lines of bench/lab/results.md. */
export function qualityLines(result) {
  return [
    '## What lossy systems lose',
    '',
    'The divergence of the next token (Kullback-Leibler, nats a token) in an unmodified llama.cpp whose choices are changed between the operations',
    'of its graph, and how often the likeliest token stays the same. Small models, lightly trained: the order of the rows is what they are good for.',
    'lost_bits are 16 less the bits a weight of the experts.',
    '',
    ...markdownTable(
      result
        .filter(({ change }) => change !== 'none')
        .map(({ bits, change, changed, divergence, model, same }) => ({
          model,
          change,
          'choices changed': bits === undefined ? percent(changed) : '–',
          lost_bits: bits === undefined ? '–' : (16 - bits).toFixed(1),
          divergence: divergence.toPrecision(2),
          'same token': percent(same),
          systems: SYSTEMS.find(([pattern]) => pattern.test(change))[1],
        })),
    ),
  ];
}
