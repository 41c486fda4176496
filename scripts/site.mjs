// Builds the site of the pages into build/site, and the page that computes in a browser into its folder `play`. It needs `npm run build` before.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';

/** Runs a script of Node from the root of the repository; where it fails, so does the build. */
function run(...command) {
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync('dist/play/engine.js')) run('scripts/build.mjs');
run('node_modules/vitepress/bin/vitepress.js', 'build', 'docs');
mkdirSync('build/site/play', { recursive: true });
run('bin/moeprof.js', 'play', '-o', 'build/site/play/index.html');
