// A model of the hub from the command line: fetched once, read by any command after that, and one line where that fails.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ggufHeader } from '../model/gguf-file.js';
import { TestHub } from '../model/hub/server.js';
import { tinyMetadata } from '../model/tiny-gguf.js';
import { certificate } from '../support/certificate.js';
import { moeprof, temporaryFolder } from './moeprof.js';

const head = ggufHeader(tinyMetadata(1), [
  ...['gate', 'up', 'down'].map((part) => ({ name: `blk.0.ffn_${part}_exps.weight`, type: 'q8_0' as const, shape: [256, 256, 4] })),
  ...['q', 'k', 'v', 'output'].map((part) => ({ name: `blk.0.attn_${part}.weight`, type: 'q8_0' as const, shape: [256, 128] })),
]);
const hub = new TestHub([{ path: 'tiny-Q8_0.gguf', head, bytes: 1e6 }]);
const env: Record<string, string> = { XDG_CACHE_HOME: temporaryFolder() };
beforeAll(async () => {
  env.HF_ENDPOINT = await hub.start();
});
afterAll(() => hub.stop());

it('inspects and runs it, and asks the hub once', async () => {
  const inspected = await moeprof(['model', 'inspect', 'hf:o/tiny:q8_0', '-w', 'rtx-4090'], { env });
  expect(inspected).toMatchObject({ code: 0, stderr: '' });
  expect(inspected.stdout).toMatch(/^Tiny Mix, sizes of its gguf tensors$/m);
  const asked = hub.authorizations.length;
  const advised = await moeprof(['advise', 'hf:o/tiny:q8_0', '-w', 'rtx-4090+64GB', '-q'], { env });
  expect([advised.stderr, advised.code]).toEqual(['', 0]);
  expect(advised.stdout).toContain('llama-server -hf o/tiny:q8_0 ');
  const ran = await moeprof(['run', '-m', 'hf:o/tiny:q8_0', '-w', 'rtx-4090', '--tokens', '20', '-q'], { env });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toContain('Tiny Mix');
  expect(hub.authorizations).toHaveLength(asked);
});

it.each([
  ['hf:o/tiny:q2_k', /^moeprof: hf:o\/tiny:q2_k: has no file in the format q2_k: .*q8_0.*\n$/],
  ['hf:tiny', /^moeprof: hf:tiny: expected hf:owner\/repo, .*\n$/],
])('%s is refused in one line', async (name, message) => {
  const { code, stdout, stderr } = await moeprof(['model', 'inspect', name], { env });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

it('reads one over https whose repository was renamed and whose files lie elsewhere', async () => {
  const secure = certificate();
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'ca.pem'), secure.cert);
  const files = Array.from({ length: 7 }, (_, i) => ({ path: `${i}.txt`, head: Buffer.from('x'), bytes: 1 }));
  const far = new TestHub([...files, { path: 'tiny-Q8_0.gguf', head, bytes: 1e6 }], 3, secure);
  const own = { XDG_CACHE_HOME: folder, HF_ENDPOINT: await far.start(), HF_TOKEN: 'secret', NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  far.fault = 'redirect';
  far.renamed = 'n/tinier';
  const { code, stderr, stdout } = await moeprof(['model', 'inspect', 'hf:o/tiny'], { env: own });
  far.fault = 'downgrade';
  const refused = await moeprof(['model', 'inspect', 'hf:o/small'], { env: own });
  await far.stop();
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toMatch(/^moeprof: hf:o\/small: the server redirects to localhost:\d+, which is not followed: [^\n]*\n$/);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('Tiny Mix');
  const seen = new Set(far.authorizations.map(([kind, value]) => `${kind} ${value}`));
  expect(seen).toEqual(new Set(['list Bearer secret', 'file Bearer secret', 'elsewhere undefined']));
});

it('says what to do for a profile whose model was never fetched', async () => {
  const { code, stderr } = await moeprof(['run', '--set', 'model=hf:o/unseen', '--tokens', '20'], { env });
  expect([code, stderr.split('\n').length]).toEqual([2, 2]);
  expect(stderr).toContain('hf:o/unseen');
});
