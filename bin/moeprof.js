#!/usr/bin/env node
import module from 'node:module';

// Compiled code is kept between starts where Node can, from 22.1 on.
module.enableCompileCache?.();
// Node ends with 1 where a module cannot be loaded, which says that a gate has failed.
try {
  await import('../dist/cli/main.js');
} catch (error) {
  const lacking = error.code === 'EMFILE' || error.code === 'ENFILE';
  process.stderr.write(
    `moeprof: ${lacking ? 'too many files are open; allow more with ulimit -n' : `cannot be loaded: ${error.message}; install it again`}\n`,
  );
  process.exitCode = lacking ? 2 : 70;
}
