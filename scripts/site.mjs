// Builds the site of the pages into build/site, and the page that computes in a browser into its folder `play`. It needs `npm run build` before.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';

/** Runs a script of Node from the root of the repository; if it fails, so does the build. */
const run = (...command) => execFileSync(process.execPath, command, { stdio: 'inherit' });

if (!existsSync('dist/play/engine.js')) run('scripts/build.mjs');
run('node_modules/vitepress/bin/vitepress.js', 'build', 'docs');
mkdirSync('build/site/play', { recursive: true });
run('bin/moeprof.js', 'play', '-o', 'build/site/play/index.html');
