// The registry of trace formats, most specific first: the first whose content test says yes reads the file.

import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { TraceSource } from '../source.js';
import { allenai } from './allenai.js';
import { bigMoeOnEdge } from './bigmoeonedge.js';
import { expertFlow } from './expertflow.js';
import type { TraceFormat } from './format.js';
import { genericCsv, genericJsonl } from './generic.js';
import { gptOssFingerprint } from './gpt-oss-fingerprint.js';
import { imatrix } from './imatrix.js';
import { imp } from './imp.js';
import { jsonl } from './jsonl.js';
import { lattice } from './lattice.js';
import { llamacppLogExperts } from './llamacpp-log-experts.js';
import { llamacppMoeTrace } from './llamacpp-moe-trace.js';
import { mbolt } from './mbolt.js';
import { megatron } from './megatron.js';
import { moeBeyond } from './moe-beyond.js';
import { moeSim } from './moe-sim.js';
import { moeInfinity, npy, npz } from './npy.js';
import { safetensors } from './safetensors.js';
import { sglangCounts } from './sglang-counts.js';
import { sglangRecorder, sglangStat } from './sglang-recorder.js';
import { sglangReply } from './sglang-reply.js';
import { tensorrtLlm } from './tensorrt-llm.js';
import { vllm } from './vllm.js';

/** All formats; adding one is one file and one line here. */
export const traceFormats: readonly TraceFormat[] = [
  tensorrtLlm,
  safetensors,
  jsonl,
  vllm,
  sglangReply,
  sglangRecorder,
  sglangStat,
  npy,
  moeInfinity,
  npz,
  megatron,
  llamacppLogExperts,
  llamacppMoeTrace,
  mbolt,
  bigMoeOnEdge,
  expertFlow,
  moeBeyond,
  gptOssFingerprint,
  allenai,
  lattice,
  moeSim,
  imp,
  imatrix,
  sglangCounts,
  genericCsv,
  genericJsonl,
];

/**
 * The format of a file: the one that was named, or the first that recognises the content.
 * @throws UserError where the name is unknown or nothing recognises it
 */
export function formatOf(source: TraceSource, name?: string): TraceFormat {
  if (name !== undefined) {
    const named = traceFormats.find((format) => format.name === name);
    if (named !== undefined) return named;
    const names = traceFormats.map((format) => format.name);
    throw new UserError(`trace format ${JSON.stringify(name)} is unknown${didYouMean(name, names)}; formats are ${names.join(', ')}`);
  }
  const found = traceFormats.find((format) => format.detect(source));
  if (found !== undefined) return found;
  if (Buffer.from(source.head.buffer, source.head.byteOffset, Math.min(4, source.head.length)).toString('latin1') === 'PAR1') {
    throw new UserError(
      `${source.path}: Parquet is not read; convert it: python -c "import pandas, sys; pandas.read_parquet(sys.argv[1]).to_json(sys.argv[2], orient='records', lines=True)" in out.jsonl`,
    );
  }
  throw new UserError(
    `${source.path}: no trace format that moeprof knows; name it with --trace-format, or convert it (docs/record-a-trace.md)`,
  );
}
