// Makes profiles/traces/ from the recordings of our own two routers: node scripts/bundle-traces.mjs <folder of recordings>
// Needs a build. Gate weights are left out for size; the larger trace keeps two of three requests.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertTrace } from '../build/trace/convert/index.js';
import { openTrace } from '../build/trace/open.js';
import { writeSafetensors } from '../build/trace/write.js';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node scripts/bundle-traces.mjs <folder of recordings>');
const bundled = fileURLToPath(new URL('../profiles/traces', import.meta.url));

/** Metadata that describe the recording; the rest of the research files' metadata is left out. */
const KEPT = ['architecture', 'gate', 'experts_order', 'source'];

for (const [name, keep] of [
  ['mini-mixtral-8x8l', () => true],
  ['mini-finegrained-64x12l', (request) => request % 3 !== 2],
]) {
  const whole = await openTrace(join(folder, `${name}.test.safetensors`));
  const part = convertTrace(whole, { requests: [...whole.requests.keys()].filter(keep) });
  const notes = Object.fromEntries(Object.entries(part.meta.notes).filter(([key]) => KEPT.includes(key)));
  const described = { ...part, meta: { ...part.meta, notes } };
  writeSafetensors(described, join(bundled, `${name}.safetensors`), {
    weights: 'none',
    metadata: { capture: 'held-out text of five domains, prompt rows and sampled or teacher-forced continuation rows' },
  });
  console.log(`${name}: ${part.tokens} tokens, ${part.requests.length} requests`);
  whole.close();
  part.close();
}
