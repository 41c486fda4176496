// How a prompt ran: what a row states holds, what it guesses holds where the engine's own rule allows it.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { dropsExperts, onPromptThreads, promptOf } from '../../../src/measured/validate/predict.js';
import { measurement } from './rows.js';

const ik = loadRuntime('ik_llama.cpp');
const deepseek = { experts: 256, topK: 8 };
const placed = (where: 'cpu' | 'gpu', ubatch: number, guessed: string[] = ['placement.prefill_where']) =>
  measurement({
    placement: { kind: 'cpu-layers', cpu_moe_layers: 12, prefill_where: where },
    run: { ubatch, pp_tokens: 4096 },
    measured: { pp_tps: 1 },
    guessed,
  });

describe('who computed a prompt', () => {
  it('is who the row says, and the rule of the runtime where it says nothing', () => {
    expect(promptOf(ik, placed('gpu', 512, []), deepseek)).toMatchObject({ counts: 'pass', offloadFrom: 2 });
    expect(promptOf(ik, placed('cpu', 4096, []), deepseek).offloadFrom).toBeNull();
    expect(promptOf(ik, measurement(), deepseek)).toBe(ik.prompt);
  });

  it('is not the GPU by a guess where passes are below the threshold of the engine', () => {
    // 1,024 tokens a pass with 8 of 256 experts are 32 an expert.
    expect(promptOf(ik, placed('gpu', 1024), deepseek).offloadFrom).toBe(2);
    expect(promptOf(ik, placed('gpu', 1023), deepseek).offloadFrom).toBeNull();
    expect(promptOf(ik, placed('gpu', 512), { experts: 128, topK: 8 }).offloadFrom).toBe(2);
    // A guess that repacked weights stay on the CPU holds.
    expect(promptOf(ik, placed('cpu', 4096), deepseek).offloadFrom).toBeNull();
    // llama.cpp counts tokens of the pass.
    expect(promptOf(loadRuntime('llama.cpp'), placed('gpu', 64), deepseek).offloadFrom).toBe(2);
  });
});

it('-ser drops experts that the graph has selected', () => {
  expect(dropsExperts(measurement({ flags: 'llama-sweep-bench -fa -ser 6,1 -c 16384' }))).toBe(true);
  expect(dropsExperts(measurement({ flags: 'llama-server --series 6' }))).toBe(false);
  expect(dropsExperts(measurement())).toBe(false);
});

it('prompts run on threads of their own where the command line says so', () => {
  const row = measurement({ run: { threads: 32 }, flags: 'llama-sweep-bench --threads 32 --threads-batch 64 -rtr' });
  expect(onPromptThreads(row).run.threads).toBe(64);
  expect(onPromptThreads({ ...row, flags: '-t 32 -tb 48' }).run.threads).toBe(48);
  const plain = measurement({ run: { threads: 32 }, flags: '--threads 32' });
  expect(onPromptThreads(plain)).toBe(plain);
});
