// Compiles the rooms that a page may have without the types of Node: nothing but base/host, the door, may miss them. What it exports has types
// of its own, so that the rest is checked in full.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('../', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/lib/tsc.js', import.meta.url));
const { stderr, stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.web.json'], { cwd, encoding: 'utf8' });
const errors = stdout.split('\n').filter((line) => /^\S.*error TS/.test(line));
const elsewhere = errors.filter((line) => !line.startsWith('src/base/host/'));
// The door cannot be whole without them: where it is, a package has brought them along.
if (elsewhere.length === errors.length) elsewhere.push(`tsconfig.web.json: the types of Node are there after all ${stderr}`.trim());
if (elsewhere.length > 0) console.error(elsewhere.join('\n'));
process.exitCode = elsewhere.length > 0 ? 1 : 0;
