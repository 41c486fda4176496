// Path predictors in and across domains: node bench/domains.mjs TRAIN TEST FILE.onnx | node bench/domains.mjs TRAIN TEST --without DOMAIN [epochs]
// Needs a build (npm run build), and two safetensors traces with token ids, `request_domain` and the names of domains in `trace_domains`. Recall
// at k of the path before the pass, and of the union of 16 tokens' paths: token-table, learned from TRAIN, and a trained FILE, by domain of TEST;
// or both learned from the requests of all other domains, with the defaults of `predict train --kind rpp`, and judged on that one.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBuild } from './lib/bench.mjs';

const { comparePredictors } = await fromBuild('predict/evaluation/compare.js');
const { trainingOf } = await fromBuild('cli/train-kinds.js');
const { loadModel } = await fromBuild('model/load/load.js');
const { openTrace } = await fromBuild('trace/open/open.js');
const { recordedModel } = await fromBuild('trace/recorded-model.js');
const { selectMarked } = await fromBuild('trace/selection.js');

const [trainPath, testPath, way, without, epochs] = process.argv.slice(2);

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
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-domains-'));
  const index = names.indexOf(without);
  const training = part(train, trainDomain, (one) => one !== index, `all but ${without}`);
  const { train: trained } = trainingOf({ kind: 'rpp', seed: '1', epochs, gru: false, tokenId: true, observed: true, history: true });
  const file = join(folder, 'rpp.onnx');
  writeFileSync(file, (await trained(training, model, {})).bytes);
  await judge(training, file, [part(test, testDomain, (one) => one === index, without)]);
  rmSync(folder, { recursive: true, force: true });
} else {
  await judge(
    train,
    way,
    names.map((name, index) => part(test, testDomain, (one) => one === index, name)),
  );
}
process.exit(0);
