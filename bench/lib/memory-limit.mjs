// A command that limits the memory of what it runs, page cache included: a scope of systemd, or a group of its own (cgroup v2) where the root
// of the tree may be written and hands memory down. Settings of the system stay as they are.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TREE = '/sys/fs/cgroup';

/** @returns words to put before a command, what limits it, and what to do afterwards; or why nothing can */
export function memoryLimit(bytes) {
  const scope = ['systemd-run', '--scope', '--quiet', '-p', `MemoryMax=${bytes}`, '-p', 'MemorySwapMax=0'];
  if (spawnSync(scope[0], [...scope.slice(1), 'true']).status === 0) return { command: scope, by: 'systemd-run', close: () => undefined };
  try {
    if (!readFileSync(join(TREE, 'cgroup.subtree_control'), 'utf8').split(/\s/).includes('memory'))
      return { lacks: 'there is no systemd-run, and the groups of this system (cgroup v2) hand no memory down' };
  } catch {
    return { lacks: 'there is no systemd-run, and this system has no tree of groups of version 2 (cgroup v2)' };
  }
  const group = join(TREE, `moeprof-bench-${process.pid}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, 'memory.max'), String(bytes));
  } catch (error) {
    return { lacks: `there is no systemd-run, and ${group} cannot be made or limited (${error.code})` };
  }
  // The shell joins the group and becomes the command.
  const command = ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'];
  return { command, by: 'cgroup v2', close: () => rmdirSync(group) };
}
