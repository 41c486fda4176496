// A server that answers and prints as llama-server does, of an engine that its tests invent: SERVER holds a rule by flags, in JSON. Started with
// --once it is llama-completion: it answers the text of its own command line, and ends.
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const args = process.argv.slice(2);
const flag = (name, usual) => (args.includes(name) ? args[args.indexOf(name) + 1] : usual);
const { calls, crash, hang, ids, memory, noCache, noRecord, refuse, shareNs = 120, slowCache = 1 } = JSON.parse(process.env.SERVER ?? '{}');
if (calls !== undefined) appendFileSync(calls, `${args.join(' ')}\n`);
if (ids !== undefined) appendFileSync(ids, `${process.pid}\n`);
const meets = (pattern) => pattern !== undefined && new RegExp(pattern).test(args.join(' '));
const fail = (text, code = 1) => {
  console.error(text);
  process.exit(code);
};
if (meets(crash)) process.kill(process.pid, 'SIGSEGV');
if (meets(memory)) fail('ggml_backend_cuda_buffer_type_alloc_buffer: allocating 900.00 MiB on device 0: cudaMalloc failed: out of memory');
if (noCache && args.includes('--moe-cache-mib')) fail('error: invalid argument: --moe-cache-mib');

/** OLMoE's shape; an expert takes 3.5 MiB. */
const [LAYERS, EXPERTS, TOP_K, EXPERT_MIB] = [16, 64, 8, 3.5];
const [cache, share, onCpu] = [
  Number(flag('--moe-cache-mib', 0)),
  Number(flag('--moe-cache-cpu-share', 0)),
  Number(flag('-ncmoe', LAYERS)),
];

/** Routing: half of a token's choices are those of the token before, the others are drawn, most from a hot quarter. */
let seed = 7;
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const before = Array.from({ length: LAYERS }, () => []);
function choices(layer) {
  const chosen = new Set(before[layer].filter(() => random() < 0.5));
  while (chosen.size < TOP_K) chosen.add(Math.floor(random() * (random() < 0.7 ? EXPERTS / 4 : EXPERTS)));
  before[layer] = [...chosen];
  return before[layer];
}
const i32 = (...values) => Buffer.from(Int32Array.from(values).buffer);
const u64 = (...values) => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
const record = process.env.LLAMA_MOE_CACHE_TRACE;
if (record !== undefined && cache > 0 && !noRecord) {
  const layers = Array.from({ length: LAYERS }, (_, layer) => layer);
  const bytes = [EXPERT_MIB / 2, EXPERT_MIB / 4, EXPERT_MIB / 4].map((mib) => mib * 2 ** 20);
  const group = [
    i32(0, EXPERTS, LAYERS, ...layers),
    Buffer.from(Float64Array.of(1, 1).buffer),
    u64(2 ** 30, 2 ** 30, 128),
    i32(3),
    u64(...bytes),
  ];
  writeFileSync(record, Buffer.concat([Buffer.from('MCT1'), i32(LAYERS, TOP_K, 1), ...group]));
}

/** ms a token: layers on the CPU, or misses over the link and what the CPU computes of them. */
const held = Math.min(1, cache / (LAYERS * EXPERTS * EXPERT_MIB));
const misses = LAYERS * TOP_K * (1 - held) ** 2;
const token = cache === 0 ? 2 + 0.9 * onCpu : slowCache * (3 + misses * ((1 - share) * 0.3 + (share * shareNs) / 1000));
let [hits, missed] = [0, 0];
function answer(prompt, generated) {
  for (let i = 0; record !== undefined && cache > 0 && !noRecord && i < generated; i++)
    appendFileSync(record, Buffer.concat(Array.from({ length: LAYERS }, (_, layer) => i32(layer, TOP_K, TOP_K, ...choices(layer)))));
  missed += Math.round(misses * generated);
  hits += Math.round((LAYERS * TOP_K - misses) * generated);
  const line = (what, ms, tokens) =>
    `${what} time = ${ms.toFixed(2)} ms / ${tokens} tokens (${(ms / tokens).toFixed(2)} ms per token, ${((1000 * tokens) / ms).toFixed(2)} tokens per second)`;
  console.error(line('prompt eval', 0.8 * prompt, prompt));
  console.error(line('       eval', token * generated, generated));
}
function end() {
  if (cache > 0) {
    const uploaded = (missed * EXPERT_MIB).toFixed(2);
    const rate = ((100 * hits) / (hits + missed)).toFixed(2);
    console.error(`llama_moe_cache: ubatch <= 8: hits = ${hits}, misses = ${missed}, hit rate = ${rate}%, uploaded = ${uploaded} MiB`);
  }
  process.exit(0);
}

if (args.includes('--once')) {
  answer(100, Number(flag('-n', 512)));
  end();
}
process.on('SIGINT', end);
let ready = false;
setTimeout(() => {
  ready = true;
}, 300);
createServer((request, reply) => {
  if (request.url === '/health') return reply.writeHead(ready ? 200 : 503).end();
  if (refuse !== undefined) return reply.writeHead(refuse, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    if (meets(hang)) return;
    const { content, n_predict, prompt } = JSON.parse(body);
    const json = (value) => reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/tokenize') return json({ tokens: Array.from({ length: Math.ceil(content.length / 6) }, (_, i) => i) });
    answer(prompt.length, n_predict);
    json({ content: '' });
  });
}).listen(Number(flag('--port', 8080)), '127.0.0.1');
