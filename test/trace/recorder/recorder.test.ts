// recorders/record_routing.py on stand-ins for the modules of transformers. It runs where python3 has torch, and says so where not.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const hasTorch = (python: string): boolean => spawnSync(python, ['-c', 'import torch']).status === 0;
// The system's own has packages that another one before it has not.
const PYTHON = process.env.PYTHON ?? ['python3', '/usr/bin/python3'].find(hasTorch) ?? 'python3';
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const torch = hasTorch(PYTHON);

it.skipIf(!torch)(
  `records choices, and what gates say early (${torch ? 'python3 has torch' : 'skipped: python3 has no torch'})`,
  { timeout: 120_000 },
  () => {
    const path = [at('../../../recorders'), process.env.PYTHONPATH].filter((folder) => folder !== undefined).join(':');
    const { status, stderr, stdout } = spawnSync(PYTHON, [at('stand_ins.py')], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    });
    expect([status, stderr, stdout]).toEqual([0, '', 'record_routing: ok\n']);
  },
);
