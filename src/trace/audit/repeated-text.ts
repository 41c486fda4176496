// Templates and greedy loops inflate locality (one published set: similarity of requests .229 instead of .092). Tokens
// are compared by id, or by the first layer's choices.
import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import { mix } from '../variants/draws.js';
import { type AuditCheck, percentOf } from './check.js';

/** Tokens per run. */
const RUN = 16;
/** Fingerprint slots; later runs overwrite earlier runs. */
const SLOTS = 1 << 18;
/** Minimum share of repeated tokens for a finding; prose and code have 0 to 5 %. */
const SHARE = 0.1;
/** Base of the rolling hash, the FNV-1a prime. */
const BASE = 0x01000193;

/** Finds repeated runs of tokens. */
export const repeatedText: AuditCheck = {
  code: 'repeated-text',
  summary: 'repeated text, which inflates locality',
  start({ trace: { has, layers, topK }, tokens }) {
    const slots = new Int32Array(SLOTS);
    const recent = new Int32Array(RUN);
    /** BASE^RUN: weight of the token leaving the rolling hash. */
    let leaving = 1;
    for (let i = 0; i < RUN; i++) leaving = Math.imul(leaving, BASE);
    let [hash, length, request, repeated] = [0, 0, -1, 0];
    let first = -1;
    return {
      rows(chunk: TraceChunk, start: number): void {
        const { experts, tokenId } = chunk;
        for (let row = 0; row < chunk.tokens; row++) {
          if (chunk.request[row] !== request) {
            request = chunk.request[row]!;
            hash = length = 0;
          }
          let token: number;
          if (tokenId !== null) token = tokenId[row]! + 1;
          else {
            token = 0;
            const at = row * layers * topK;
            // A sum ignores the order of nearly equal gates.
            for (let k = 0; k < topK; k++) if (experts[at + k] !== NULL_EXPERT) token = (token + mix(experts[at + k]! + 1)) | 0;
          }
          const place = length % RUN;
          hash = (Math.imul(hash, BASE) + token) | 0;
          if (length >= RUN) hash = (hash - Math.imul(leaving, recent[place]!)) | 0;
          recent[place] = token;
          length++;
          if (length < RUN) continue;
          const print = mix(hash) | 1;
          const slot = print >>> 14;
          if (slots[slot] === print) {
            repeated++;
            if (first < 0) first = start + row - RUN + 1;
          } else slots[slot] = print;
        }
      },
      finish() {
        if (tokens < 4 * RUN || repeated < SHARE * tokens) return null;
        return {
          what: `${percentOf(repeated, tokens)} of the tokens lie in runs of ${RUN} that were there before (by ${has.tokenIds ? 'token id' : 'the choices of the first layer'}), the first at row ${first}.`,
          effect:
            'Repeated text repeats its routing: reuse, hit rates and the recall of predictors come out higher than on text that does not repeat.',
          fix: 'Record distinct texts without shared templates, sample rather than decode greedily, or take one request of each kind: moeprof trace convert FILE --requests LIST.',
          rows: { count: repeated, first },
        };
      },
    };
  },
};
