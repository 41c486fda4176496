// Path predictors in and across domains: node bench/domains.mjs TRAIN TEST FILE.onnx | node bench/domains.mjs TRAIN TEST --without DOMAIN [epochs] | --short
// Needs a build (npm run build), and two safetensors traces with token ids, `request_domain` and the names of domains in `trace_domains`. Recall
// at k of the path before the pass, and of the union of 16 tokens' paths: token-table, learned from TRAIN, and a trained FILE, by domain of TEST;
// or both learned from the requests of all other domains, with the defaults of `predict train --kind rpp`, and judged on that one. --short makes the
// latter, an epoch long, of routing that is drawn.
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARGUMENTS, fromBuild, SHORT } from './lib/bench.mjs';

const { comparePredictors } = await fromBuild('predict/evaluation/compare.js');
const { trainingOf } = await fromBuild('cli/train-kinds.js');
const { loadModel } = await fromBuild('model/load/load.js');
const { openTrace } = await fromBuild('trace/open/open.js');
const { recordedModel } = await fromBuild('trace/recorded-model.js');
const { selectMarked } = await fromBuild('trace/selection.js');

const folder = mkdtempSync(join(tmpdir(), 'moeprof-domains-'));
const [trainPath, testPath, way, without, epochs] = SHORT ? [await drawn(), await drawn(), '--without', 'b', '1'] : ARGUMENTS;

/** Writes eight requests of two domains in turns, with token ids. @returns the path */
async function drawn() {
  const { synthesize } = await fromBuild('trace/generate/synthetic.js');
  const { writeSafetensors } = await fromBuild('trace/open/write.js');
  const requests = Array.from({ length: 8 }, () => ({ prefill: 0, decode: 32 }));
  const vocabulary = { size: 256, zipf: 1, share: 0.7 };
  const routing = synthesize(loadModel('mini-mixtral-8x8l'), { seed: 1, requests, profile: { vocabulary } });
  const path = join(folder, 'drawn.safetensors');
  writeSafetensors(routing, path);
  routing.close();
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  const end = bytes.length - 8 - length;
  header.__metadata__.trace_domains = JSON.stringify(['a', 'b']);
  header.request_domain = { dtype: 'U8', shape: [requests.length], data_offsets: [end, end + requests.length] };
  const text = JSON.stringify(header);
  const head = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(head.length));
  writeFileSync(path, Buffer.concat([size, head, bytes.subarray(8 + length), Buffer.from(requests.map((_, index) => index % 2))]));
  return path;
}

/** Names of domains, and the domain of each request. */
function domainsOf(path) {
  const file = openSync(path, 'r');
  const read = (from, count) => {
    const bytes = Buffer.alloc(count);
    readSync(file, bytes, 0, count, from);
    return bytes;
  };
  const length = Number(read(0, 8).readBigUInt64LE(0));
  const header = JSON.parse(read(8, length).toString('utf8'));
  const [from, to] = header.request_domain.data_offsets;
  const domain = [...read(8 + length + from, to - from)];
  closeSync(file);
  return { names: JSON.parse(header.__metadata__.trace_domains), domain };
}

/** The requests of a trace whose domain is wanted. */
function part(trace, domain, wanted, name) {
  const rows = trace.requests.flatMap(({ decode, prefill, start }, request) =>
    wanted(domain[request]) ? Array.from({ length: prefill + decode }, (_, i) => start + i) : [],
  );
  return selectMarked(trace, Int32Array.from(rows), name);
}

const train = await openTrace(trainPath);
const test = await openTrace(testPath);
const model = loadModel(recordedModel(train).name);
const { domain: trainDomain, names } = domainsOf(trainPath);
const { domain: testDomain } = domainsOf(testPath);

/** Prints what token-table, learned from a trace, and a trained file name of the others. */
async function judge(training, file, judged) {
  const request = { predictors: ['token-table', file], model, training: [training], distances: [], batch: 16, minProbability: 0.15 };
  const { evaluations } = await comparePredictors({ ...request, judged, every: 1, seed: 1 });
  for (const { predictors, trace } of evaluations) {
    const [table, rpp] = predictors.map(({ batch, before }) => `${before.recallAtK.toFixed(3)} (batch ${batch?.recall.toFixed(3) ?? '-'})`);
    console.log(`${trace.path}, ${trace.tokens} tokens: token-table ${table}, rpp ${rpp}`);
  }
}

if (way === '--without') {
  const index = names.indexOf(without);
  const training = part(train, trainDomain, (one) => one !== index, `all but ${without}`);
  const { train: trained } = trainingOf({ kind: 'rpp', seed: '1', epochs, tokenId: true, observed: true, history: true });
  const file = join(folder, 'rpp.onnx');
  writeFileSync(file, (await trained(training, model, {})).bytes);
  await judge(training, file, [part(test, testDomain, (one) => one === index, without)]);
} else {
  await judge(
    train,
    way,
    names.map((name, index) => part(test, testDomain, (one) => one === index, name)),
  );
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
