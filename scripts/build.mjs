// Builds the package: build/ has modules and declarations as the compiler writes them, dist/ what is made of them.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { playEngine } from './web.mjs';

/** Runs a script of Node from the root of the repository; where it fails, so does the build. */
function run(...command) {
  return new Promise((resolve) => {
    spawn(process.execPath, command, { stdio: 'inherit' }).on('exit', (code) => (code === 0 ? resolve() : process.exit(code ?? 1)));
  });
}

// From nothing, so that no file of a renamed module survives.
for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
// Whichever of the two that write into it is the first.
mkdirSync('dist');
await run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
await Promise.all([run('scripts/types.mjs'), run('scripts/bundle.mjs').then(() => run('scripts/man.mjs'))]);
// Scripts of reports run in a browser and are not compiled; they lie beside the code that reads them.
for (const folder of ['report/page/client', 'play/client']) cpSync(`src/${folder}`, `dist/${folder}`, { recursive: true });
writeFileSync('dist/play/engine.js', await playEngine());
