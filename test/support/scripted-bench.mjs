// A benchmark that prints what llama-bench prints, of an engine that its tests invent: BENCH holds a rule by flags, in JSON.
import { appendFileSync, readFileSync } from 'node:fs';

const args = process.argv.slice(2);
const flag = (name, usual) => (args.includes(name) ? args[args.indexOf(name) + 1] : usual);
const { bias = 1, calls, crash, hang, hangsAt, ids, memory, noise = 0, silent, slow } = JSON.parse(process.env.BENCH ?? '{}');
if (calls !== undefined) appendFileSync(calls, `${args.join(' ')}\n`);
if (ids !== undefined) appendFileSync(ids, `${process.pid}\n`);

const [onCpu, ubatch, threads] = [Number(flag('-ncmoe', 0)), Number(flag('-ub', 512)), Number(flag('-t', 8))];
const line = args.join(' ');
const meets = (pattern) => pattern !== undefined && new RegExp(pattern).test(line);
const runs = ids === undefined ? 0 : readFileSync(ids, 'utf8').trimEnd().split('\n').length;
if (meets(hang) || runs === hangsAt) await new Promise((resolve) => setTimeout(resolve, 600_000));
if (meets(crash)) process.kill(process.pid, 'SIGSEGV');
if (meets(memory)) {
  console.error('ggml_backend_cuda_buffer_type_alloc_buffer: allocating 900.00 MiB on device 0: cudaMalloc failed: out of memory');
  console.error('main: error: failed to load model');
  process.exit(1);
}
if (meets(silent)) process.exit(0);

/** Tokens a second: fewer experts on the CPU are faster, longer passes as well up to 2,048 tokens, and so are half of the threads. */
const factor = bias * (meets(slow) ? 0.7 : 1);
const decode = factor * (1000 / (4 + 0.8 * onCpu + (threads > 4 ? 0.5 : 0)));
const prefill = (factor * 1000) / (0.15 + (60 + 12 * onCpu) / Math.min(ubatch, 2048) + Math.max(0, ubatch - 2048) / 2e4);
const spread = (rate) => rate * noise * Math.sin(line.length);
for (const [rate, n_prompt, n_gen] of [
  [prefill, Number(flag('-p', 512)), 0],
  [decode, 0, Number(flag('-n', 128))],
]) {
  const test = { model_filename: flag('-m', ''), model_type: 'olmoe A1.7B Q4_K - Medium', n_prompt, n_gen, n_depth: 0 };
  console.log(JSON.stringify({ ...test, avg_ts: rate + spread(rate), stddev_ts: noise * rate }));
}
