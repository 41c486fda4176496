// Installing without a network for the runtime's install script: npm drops onnxruntime-node in silence, and what moeprof then says to
// type must work. A registry of one package stands in for npm's: a runtime whose install script fails.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, shell, temporaryFolder } from './moeprof.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'onnxruntime-node';
const VERSION = '1.30.0';

let server: Server;
let registry = '';
beforeAll(async () => {
  const folder = temporaryFolder();
  const manifest = { name: NAME, version: VERSION, main: 'index.js', scripts: { postinstall: 'exit 1' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'index.js'), '');
  expect((await shell('npm pack --silent', { cwd: folder })).code).toBe(0);
  const tarball = readFileSync(join(folder, `${NAME}-${VERSION}.tgz`));
  server = createServer((request, response) => {
    if (request.url === `/${NAME}.tgz`) response.end(tarball);
    else if (request.url !== `/${NAME}`) response.writeHead(404).end();
    else {
      const versions = { [VERSION]: { ...manifest, hasInstallScript: true, dist: { tarball: `${registry}/${NAME}.tgz` } } };
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ name: NAME, 'dist-tags': { latest: VERSION }, versions }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe('where the install script of the runtime fails', () => {
  it('npm drops the runtime, doctor says what works, and it does', async () => {
    const folder = temporaryFolder();
    const env = { npm_config_registry: registry, npm_config_cache: join(folder, '.npm'), npm_config_audit: 'false', HOME: folder };
    const npm = (command: string): Promise<Finished> => shell(command, { cwd: folder, env });
    // moeprof in a folder below, which finds the runtime where npm puts it.
    const app = join(folder, 'app');
    for (const part of ['bin', 'dist', 'profiles', 'package.json']) cpSync(join(ROOT, part), join(app, part), { recursive: true });
    mkdirSync(join(app, 'node_modules'));
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== NAME) symlinkSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
    }
    const doctor = async (): Promise<string> =>
      (await shell(`exec ${process.execPath} app/bin/moeprof.js doctor`, { cwd: folder })).stdout.replace(/\s+/g, ' ');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', optionalDependencies: { [NAME]: '1.30' } }));

    expect((await npm('npm install')).code).toBe(0);
    expect(existsSync(join(folder, 'node_modules', NAME))).toBe(false);
    const advice = /npm install [-\w ]+@[\d.]+/.exec(await doctor())?.[0];
    expect(advice).toBe('npm install --ignore-scripts onnxruntime-node@1.30');
    expect((await npm(advice!)).code).toBe(0);
    expect(await doctor()).toContain(`onnxruntime ${VERSION}, for ONNX predictors`);
  });
});
