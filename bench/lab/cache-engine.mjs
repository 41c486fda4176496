// Runs llama.cpp's expert cache as npm's WebAssembly build carries it, outside a browser, and prints what it logged:
// node --experimental-wasm-jspi bench/lab/cache-engine.mjs WLLAMA WEBGPU model.gguf MIB SHARE RECORD < requests.json
//
// WLLAMA is the folder of @wllama/wllama 3.13.0, WEBGPU a folder in whose node_modules webgpu lies. Its interface has no
// field for the cache, so size, share and host buffers of experts are written into its parameters before it loads.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [[wllama, webgpu, model], [mib, share], record] = [
  process.argv.slice(2, 5).map((path) => resolve(path)),
  process.argv.slice(5, 7).map(Number),
  process.argv[7],
];
/** What 3.13.0 (b12211) has where: fields of its parameters, and the type of buffers in host memory. */
const AT = { overrides: 4184, bytes: 4376, share: 4384, hostBuffers: 2243136 };
/** Its parameters begin with these: tokens to predict, context, batch, micro-batch, kept, chunks, sequences. */
const FIRST = [-1, 0, 2048, 512, 0, -1, 1];
/** Numbers of types in messages. */
const TYPES = { bool: 1, int: 2, float: 3, str: 4, raw: 5, arr_str: 9, arr_raw: 10 };

const { version } = JSON.parse(readFileSync(join(wllama, 'package.json'), 'utf8'));
if (version !== '3.13.0') throw new Error(`${wllama}: version ${version}; the places of parameters are known for 3.13.0`);
const { create, globals } = createRequire(join(webgpu, 'package.json'))('webgpu');
Object.assign(globalThis, globals);
Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]) });

const protocol = readFileSync(join(wllama, 'src/glue/messages.ts'), 'utf8');
const opening = protocol.indexOf('= {', protocol.indexOf('GLUE_MESSAGE_PROTOTYPES')) + 2;
const messages = JSON.parse(protocol.slice(opening, protocol.indexOf('\n};', opening) + 2));

/** A message as bytes: magic, version, name, then a type and a value each field. */
function encoded(name, values) {
  const parts = [];
  const number = (value, write = 'writeInt32LE') => {
    const bytes = Buffer.alloc(4);
    bytes[write](value);
    parts.push(bytes);
  };
  const text = (value) => {
    number(Buffer.byteLength(value));
    parts.push(Buffer.from(value));
  };
  parts.push(Buffer.from('GLUE'));
  number(1);
  parts.push(Buffer.from(name));
  for (const { name: field, type } of messages[name].fields) {
    const value = values[field];
    number(value === undefined ? 0 : TYPES[type]);
    if (value === undefined) continue;
    if (type === 'str') text(value);
    else if (type === 'float') number(value, 'writeFloatLE');
    else if (type.startsWith('arr_')) {
      number(value.length);
      value.forEach(text);
    } else number(Number(value));
  }
  return Buffer.concat(parts);
}

/** Fields of a message, up to the first list. */
function decoded(bytes) {
  const values = {};
  let at = 16;
  const next = () => bytes.readInt32LE((at += 4) - 4);
  for (const { name, type } of messages[bytes.toString('latin1', 8, 16)].fields) {
    if (type.startsWith('arr_')) break;
    const written = next();
    if (written === 0) continue;
    const value = next();
    values[name] = type === 'str' || type === 'raw' ? bytes.toString('utf8', at, (at += value)) : value;
  }
  return values;
}

const lines = [];
const folder = join(wllama, 'src/wasm');
const engine = {
  noInitialRun: true,
  pthreadPoolSize: 0,
  print: () => {},
  printErr: (line) => lines.push(line),
  onAbort: (reason) => lines.push(`abort: ${reason}`),
  locateFile: () => join(wllama, 'esm/wasm/wllama.wasm'),
  preRun: () => {
    engine.ENV.LLAMA_MOE_CACHE_TRACE = '/record.mct1';
  },
};
await new Promise((resolve) => {
  engine.onRuntimeInitialized = resolve;
  const code = readFileSync(join(folder, 'wllama.js'), 'utf8');
  new Function('Module', 'require', '__filename', '__dirname', code)(
    engine,
    createRequire(join(folder, 'x.js')),
    join(folder, 'x.js'),
    folder,
  );
});
const memory = () => engine.wasmMemory.buffer;
const started = JSON.parse(await engine.ccall('wllama_start', 'string', [], [], { async: true }));
engine.FS.mkdir('/models');
engine.FS.writeFile('/models/m.gguf', readFileSync(model));
const parameters = parametersAt();
setCache();

/** Where the engine's parameters are. */
function parametersAt() {
  const words = new Int32Array(memory());
  return 4 * words.findIndex((word, at) => word === FIRST[0] && FIRST.every((first, k) => words[at + k] === first));
}

/** Writes the cache's size and share, and that experts lie in host memory, into the engine's parameters. */
function setCache() {
  const bytes = Number(engine.mmapAlloc(4096));
  new Uint8Array(memory()).set(Buffer.from('_exps\\.\0'), bytes);
  const view = new DataView(memory());
  const write = (at, value) => view.setBigUint64(at, BigInt(value), true);
  write(parameters + AT.bytes, Math.round(mib * 2 ** 20));
  view.setFloat32(parameters + AT.share, share, true);
  // A list of pattern and buffer type, which ends with two nulls.
  for (const [k, value] of [bytes, AT.hostBuffers, 0, 0].entries()) write(bytes + 64 + 8 * k, value);
  for (const [k, end] of [64, 96, 96].entries()) write(parameters + AT.overrides + 8 * k, bytes + end);
}

async function act(action, name, values) {
  const bytes = encoded(name, values);
  const malloc = engine.cwrap('wllama_malloc', 'bigint', ['number', 'bigint']);
  const to = Number(malloc(BigInt(bytes.length), 0));
  new Uint8Array(memory()).set(bytes, to);
  const from = Number(await engine.ccall('wllama_action', 'bigint', ['string', 'bigint'], [action, BigInt(to)], { async: true }));
  const length = new DataView(memory()).getUint32(to, true);
  if (from === 0) throw new Error(`${action}: ${lines.at(-1)}`);
  return decoded(Buffer.from(new Uint8Array(memory()).slice(from, from + length)));
}

const LOAD = { model_paths: ['/models/m.gguf'], n_ctx_auto: false, use_mmap: false, use_mlock: false, n_gpu_layers: 99, n_threads: 1 };
const SMALL = { ...LOAD, n_ctx: 1024, n_batch: 64, n_ubatch: 64, n_parallel: 1, warmup: false, flash_attn: false, log_level: 2 };
if (!(await act('load', 'load_req', SMALL)).success) throw new Error(`not loaded: ${lines.at(-1)}`);
for (const { predict, prompt } of JSON.parse(readFileSync(0, 'utf8'))) {
  // Single bytes are no text, so only whole words are drawn.
  const data = { prompt, n_predict: predict, temperature: 1, seed: 7, ignore_eos: true, cache_prompt: false, stream: false };
  const words = { ...data, logit_bias: Array.from({ length: 259 }, (_, token) => [token, false]) };
  const { req_id } = await act('completion', 'cmpl_req', { is_chat: false, is_asr: false, files: [], data_json: JSON.stringify(words) });
  for (let more = 1; more === 1; ) {
    const { data_json, has_more, is_error } = await act('get_result', 'gres_req', { req_id });
    if (is_error) throw new Error(data_json);
    more = has_more;
  }
}
// The cache says what it did when it goes, as it does when a model is loaded without one.
new DataView(memory()).setBigUint64(parameters + AT.bytes, 0n, true);
await act('load', 'load_req', SMALL);
writeFileSync(record, engine.FS.readFile('/record.mct1'));
const said = lines
  .map((line) => line.replace(/^@@\w+@@/, '').trim())
  .filter((line) => /llama_moe_cache|MoE cache|slots|adapter_info/.test(line));
console.log(JSON.stringify({ version: started.version, lines: said }));
process.exit(0);
