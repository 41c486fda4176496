// The recorder: routing that `moeprof record` takes from one build of llama.cpp, and the counts that llama-imatrix of another makes of the same
// tokens. LAB_MINI names GGUF files, joined by commas, with a .test.jsonl of prompts beside each.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gguf } from '@huggingface/gguf';
import { ended } from './engine.mjs';
import { inFolder, minis, textsOf } from './minis.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** Tokens of a text: one pass of both. */
const TOKENS = 256;

/** Characters of which these are the first tokens; what is read and written behind them is not compared. */
const CHARACTERS = 5 * TOKENS;

/**
 * Compares choices by layer and expert, in all layers but the last, whose rows the recorder has for the last token only.
 * @returns rows {model, tokens, counted, equal}: choices that imatrix counted, and those that the recording has, too; null: no model is named
 */
export async function recorder(engine, moeprof) {
  if (minis === null) return null;
  const rows = [];
  for (const path of minis) {
    const counted = await inFolder((folder) => compared(engine, moeprof, path, folder));
    rows.push({ ...counted, trained: await asTrained(path) });
  }
  return rows;
}

/** The same tokens through the model as it was trained (minis/routing.py): {cells, equal, share}; null: there is no PyTorch. */
function asTrained(path) {
  return inFolder(async (folder) => {
    const { code, stdout } = await ended('python3', [here('minis/routing.py'), path, await recorded(path, folder)]);
    return code === 0 ? JSON.parse(stdout) : null;
  });
}

/** Records every sixth test text of a mini. @returns the path of the trace, in the folder */
export async function recorded(path, folder) {
  const [prompts, trace] = [join(folder, 'prompts.jsonl'), join(folder, `${basename(path, '.gguf')}.safetensors`)];
  const some = textsOf(path).filter((_, at) => at % 6 === 0);
  writeFileSync(prompts, some.map(({ prompt }) => JSON.stringify(prompt.slice(0, CHARACTERS))).join('\n'));
  const words = ['record', path, '--prompts', prompts, '--tokens', '4000', '-o', trace];
  const { code, stderr } = await ended(process.execPath, [here('../../bin/moeprof.js'), ...words]);
  if (code !== 0) throw new Error(`moeprof record ended with ${code}: ${stderr.trim()}`);
  return trace;
}

async function compared(engine, moeprof, path, folder) {
  const text = textsOf(path)
    .map(({ prompt }) => prompt)
    .join('\n');
  // It reads the first chunk.
  writeFileSync(join(folder, 'text.txt'), text);
  const out = join(folder, 'imatrix.gguf');
  const args = ['-m', path, '-f', join(folder, 'text.txt'), '-o', out, '-c', String(TOKENS), '-b', String(TOKENS), '--chunks', '1'];
  const env = { ...process.env, LD_LIBRARY_PATH: engine.bin };
  const { code, stderr } = await ended(join(engine.bin, 'llama-imatrix'), [...args, '-t', '2', '--parse-special'], { env });
  if (code !== 0) throw new Error(`llama-imatrix ended with ${code}: ${stderr.trim().slice(-200)}`);
  const theirs = await countsOf(out);
  const { trace } = await moeprof.recordRouting({ model: path, prompts: [text.slice(0, CHARACTERS)], tokens: 3 * TOKENS });
  const ours = new Map();
  let tokens = 0;
  for (const chunk of moeprof.chunks(trace)) {
    const { layers, topK } = trace;
    for (let row = 0; row < chunk.tokens && tokens < TOKENS; row++, tokens++) {
      for (let layer = 0; layer < layers; layer++) {
        for (let slot = 0; slot < topK; slot++) {
          const expert = chunk.experts[(row * layers + layer) * topK + slot];
          const key = `${layer} ${expert}`;
          ours.set(key, (ours.get(key) ?? 0) + 1);
        }
      }
    }
  }
  const layers = [...theirs.keys()].sort((a, b) => a - b).slice(0, -1);
  let [counted, equal] = [0, 0];
  for (const [at, layer] of layers.entries()) {
    theirs.get(layer).forEach((count, expert) => {
      counted += count;
      equal += Math.min(count, ours.get(`${at} ${expert}`) ?? 0);
    });
  }
  trace.close();
  return { model: basename(path, '.gguf'), tokens, counted, equal };
}

/** Choices by expert that an imatrix counted, by block. */
async function countsOf(path) {
  const { tensorDataOffset, tensorInfos } = await gguf(path, { allowLocalFile: true });
  const bytes = readFileSync(path);
  return new Map(
    tensorInfos
      .filter(({ name }) => /^blk\.\d+\.ffn_gate_exps\.weight\.counts$/.test(name))
      .map(({ name, offset, shape }) => {
        const from = Number(tensorDataOffset) + Number(offset);
        const count = Number(shape.reduce((product, side) => product * side, 1n));
        return [Number(name.split('.')[1]), Array.from({ length: count }, (_, i) => bytes.readFloatLE(from + 4 * i))];
      }),
  );
}
