import { describe, expect, it } from 'vitest';
import { renderTerminal } from '../../../src/report/document/terminal.js';
import { buildOf } from '../../../src/study/build.js';
import { queueAddress } from '../../../src/study/queue/address.js';
import type { QueueContents } from '../../../src/study/queue/contents.js';
import { contentsDocument } from '../../../src/study/queue/contents-report.js';
import { PROTOCOL } from '../../../src/study/queue/protocol.js';

const address = queueAddress('redis://ann:secret@h', 'ann', {});
const nothing: QueueContents = {
  cells: [],
  workers: [],
  sweeps: [],
  failures: [],
  results: { count: 0, untaken: 0, bytes: 0 },
  files: { count: 0, bytes: 0 },
};
const shown = (contents: Partial<QueueContents>, verbose = false): string[] =>
  renderTerminal(contentsDocument(address, { ...nothing, ...contents }, verbose), {
    color: false,
    width: 80,
    unicode: true,
    verbose,
  }).split('\n');

describe('the contents of a queue', () => {
  it('are nothing, or what there is, without user and password', () => {
    expect(shown({})).toEqual(['queue ann at redis://h:6379/0', '', 'nothing is there', '']);
    const lines = shown({ results: { count: 1, untaken: 1, bytes: 2048 }, files: { count: 2, bytes: 3 * 2 ** 20 } });
    expect(lines.at(-2)).toBe('1 result (1 not taken yet, 2.00 KiB) and 2 files (3.00 MiB) on the server');
  });

  it('mark what is of another build, and say where nobody works', () => {
    const counts = { waiting: 2, running: 0, delayed: 1, done: 0, failed: 0 };
    const own = { protocol: PROTOCOL, build: buildOf(), ...counts };
    const lines = shown({
      cells: [own, { ...own, build: '0.0.9' }],
      sweeps: [{ name: 'sweep ab', build: '0.0.9', protocol: PROTOCOL, running: 0 }],
    });
    expect(lines).toContain(`${buildOf()}        2        0        1     0       0`);
    expect(lines.filter((line) => line.startsWith('0.0.9* '))).toHaveLength(1);
    expect(lines).toContain('ab     0.0.9*');
    expect(lines).toContain('! no worker is here; moeprof worker --queue redis://h:6379/0 is one');
    expect(lines).toContain('* another build of moeprof than this one: its cells run on its workers only');
    expect(shown({ cells: [own], workers: [{ ...own, name: 'w' }] }).join()).not.toMatch(/another build|no worker/);
  });

  it('tell each reason of failures once, the last one first, and the rest when asked', () => {
    const failure = (fingerprint: string, why: string) => ({ fingerprint: fingerprint.repeat(16), worker: 'w', failure: why });
    const failures = ['g', 'f', 'e', 'd', 'c', 'b'].flatMap((letter) => [failure(letter, `why ${letter}`), failure('a', `why ${letter}`)]);
    const lines = shown({ failures });
    expect(lines.filter((line) => /why [a-z]$/.test(line))).toEqual(
      ['g', 'f', 'e', 'd', 'c'].map((letter) => `     2  ${letter.repeat(12)}  w       why ${letter}`),
    );
    expect(lines).toContain('1 reason more (-v)');
    expect(shown({ failures }, true).filter((line) => /why [a-z]$/.test(line))).toHaveLength(6);
  });
});
