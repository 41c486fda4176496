import { UserError } from '../../base/errors.js';
import { findNamed } from '../../base/parameters.js';
import { moduleChoice } from '../../base/user-module.js';
import type { TraceSource } from '../source.js';
import { allenai } from './allenai.js';
import { bigMoeOnEdge } from './bigmoeonedge.js';
import { colibri } from './colibri.js';
import { colibriAtlas, colibriUsage } from './colibri-usage.js';
import type { OpenOptions, TraceFormat } from './format.js';
import { genericCsv, genericJsonl } from './generic.js';
import { gptOssFingerprint } from './gpt-oss-fingerprint.js';
import { imatrix } from './imatrix.js';
import { imp } from './imp.js';
import { jsonl } from './jsonl.js';
import { llamacppLogExperts } from './llamacpp-log-experts.js';
import { llamacppMoeCache } from './llamacpp-moe-cache.js';
import { llamacppMoeTrace } from './llamacpp-moe-trace.js';
import { mbolt } from './mbolt.js';
import { megatron } from './megatron.js';
import { moeBeyond } from './moe-beyond.js';
import { moeCacheEval } from './moe-cache-eval.js';
import { moeCacheEvalShard } from './moe-cache-eval-shard.js';
import { moeCacheLab } from './moe-cache-lab.js';
import { moeInfinityMatrix, npy, npz } from './npy.js';
import { isParquet, parquet, vllmExpertCapture } from './parquet.js';
import { expertFlow, lattice, moeSim } from './records.js';
import { dynamo, sglangReply, vllm } from './replies.js';
import { safetensors } from './safetensors.js';
import { sglangCounts, sglangRecorder, sglangStat } from './sglang-recorder.js';
import { tensorrtLlm } from './tensorrt-llm.js';

const SAFETENSORS = [tensorrtLlm, moeCacheEval, moeCacheEvalShard, safetensors];
const REPLIES = [colibriAtlas, jsonl, dynamo, sglangReply, vllm];
const ARRAYS = [sglangRecorder, sglangStat, npy, moeInfinityMatrix, npz];
const LOGS = [megatron, llamacppLogExperts, llamacppMoeTrace, llamacppMoeCache, mbolt, bigMoeOnEdge, colibri];
const RECORDS = [expertFlow, moeBeyond, gptOssFingerprint, allenai, lattice, moeSim, moeCacheLab, imp];
const COUNTS = [imatrix, sglangCounts, colibriUsage];
const TABLES = [vllmExpertCapture, parquet, genericCsv, genericJsonl];

/** Most specific first; a new format is a file and a name in the lists above. */
export const traceFormats: readonly TraceFormat[] = [SAFETENSORS, REPLIES, ARRAYS, LOGS, RECORDS, COUNTS, TABLES].flat();

/** Module paths pass. @throws UserError with the nearest name */
export function checkFormatName(name: string): void {
  if (moduleChoice('trace format', name) === null) formatNamed(name);
}

const tables: readonly TraceFormat[] = [parquet, genericJsonl, genericCsv];

const formatNamed = (name: string): TraceFormat => findNamed('trace format', traceFormats, name);

/** Format by name, by column map, or the first to recognise the content. @throws UserError if no format fits */
export function formatOf(source: TraceSource, { format: name, columns }: Pick<OpenOptions, 'format' | 'columns'> = {}): TraceFormat {
  if (name !== undefined) {
    const named = formatNamed(name);
    if (columns === undefined || tables.includes(named)) return named;
    const mapped = tables.map((format) => format.name).join(', ');
    throw new UserError(`--trace-columns: format ${name} has columns of its own; leave the map out, or name one of ${mapped}`);
  }
  if (columns !== undefined) return isParquet(source) ? parquet : /^\s*\{/.test(source.text) ? genericJsonl : genericCsv;
  const found = traceFormats.find((format) => format.detect(source));
  if (found !== undefined) return found;
  throw new UserError(
    `${source.path}: no trace format that moeprof knows; name it with --trace-format, name its columns with --trace-columns ` +
      'layer=…,experts=…, or write a line a token: {"request":0,"position":0,"phase":"decode","experts":[[3,41],[7,9]]}',
  );
}
