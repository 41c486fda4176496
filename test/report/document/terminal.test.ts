// Documents on a terminal: every kind of part, what is too wide, and what only --verbose shows.
import { describe, expect, it } from 'vitest';
import { type Document, type Grid, grid } from '../../../src/report/document/document.js';
import { renderTerminal } from '../../../src/report/document/terminal.js';
import { OPTIONS, sample } from './sample.js';

const TEXT = `Policies on rtx-4090
2 runs of 100 tokens
Nothing was recorded.

policy       cache     hits
───────────────────────────
lru       1.00 GiB     50 %
a|b, "c"  1.50 GiB  81.25 %

memory    1.00 GiB on the GPU

b: is slower → look
and that is all

lru is the problem.

! too-small: less than one token

▁▂▃

only at a glance
`;

const ESCAPES = /\u001b\[\d+m/gu;

const textOf = (blocks: Document['blocks'], options: Partial<typeof OPTIONS> = {}): string =>
  renderTerminal({ blocks }, { ...OPTIONS, ...options });

const wideGrid = (more: Partial<Grid> = {}): Grid =>
  grid(['x', 'y'], [{ head: 'name', of: (row) => row }, ...[1, 2, 3].map((n) => ({ head: `column-${n}`, of: () => n, width: 16 }))], more);

describe('a document on a terminal', () => {
  it('is what a person wrote', () => {
    expect(renderTerminal(sample, OPTIONS)).toBe(TEXT);
  });

  it('says the same in ASCII and in colour', () => {
    const ascii = TEXT.replaceAll('─', '-').replace('→', '->').replace('▁▂▃', '.oO');
    expect(renderTerminal(sample, { ...OPTIONS, unicode: false })).toBe(ascii);
    const colored = renderTerminal(sample, { ...OPTIONS, color: true });
    expect(colored.replace(ESCAPES, '')).toBe(TEXT);
    expect(colored).toContain('\u001b[1mPolicies on rtx-4090\u001b[22m\n\u001b[2m2 runs of 100 tokens\u001b[22m\n\u001b[33mNothing');
    expect(colored).toContain('\u001b[33m! too-small:\u001b[39m less than one token');
  });

  it('shows details only where they are asked for', () => {
    const blocks: Document['blocks'] = [
      { kind: 'drawing', draw: () => 'brief', detail: 'brief' },
      { kind: 'drawing', draw: () => 'all', detail: 'verbose' },
      { kind: 'drawing', draw: () => 'elsewhere', only: ['markdown'] },
      { kind: 'drawing', draw: () => 'always' },
    ];
    expect(textOf(blocks)).toBe('brief\n\nalways\n');
    expect(textOf(blocks, { verbose: true })).toBe('all\n\nalways\n');
  });

  it('leaves out what is empty', () => {
    const empty = grid([], [{ head: 'a', of: () => 1 }]);
    expect(
      textOf([empty, { kind: 'lines', lines: [] }, { kind: 'facts', facts: [], indent: 4 }, { kind: 'drawing', draw: () => 'x' }]),
    ).toBe('x\n');
  });

  it('keeps control characters of names away', () => {
    const hostile = 'a\u001b]0;owned\u0007b\nc';
    const blocks: Document['blocks'] = [grid([1], [{ head: hostile, of: () => hostile }])];
    expect(renderTerminal({ title: hostile, lead: [{ text: hostile, label: hostile }], blocks }, OPTIONS)).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('wraps long lines and hangs them under their beginning', () => {
    const words = 'one two three four five six seven eight nine ten';
    expect(textOf([{ kind: 'lines', lines: [{ text: words, tone: 'warning' }] }], { width: 40 })).toBe(
      '! one two three four five six seven\n  eight nine ten\n',
    );
    expect(textOf([{ kind: 'facts', facts: [['label', words]], indent: 8, title: { text: 'code', tone: 'info' } }], { width: 40 })).toBe(
      'i code\nlabel   one two three four five six\n        seven eight nine ten\n',
    );
  });
});

describe('a grid on a terminal', () => {
  it('goes on below where it is too wide, its keys repeated', () => {
    // 4 for the name, 18 for each column: two fit into 40, the third does not.
    expect(textOf([wideGrid({ title: 'Wide' })], { width: 40 })).toBe(
      [
        'Wide',
        'name          column-1          column-2',
        '────────────────────────────────────────',
        'x                    1                 2',
        'y                    1                 2',
        '',
        'name          column-3',
        '──────────────────────',
        'x                    3',
        'y                    3\n',
      ].join('\n'),
    );
    expect(textOf([wideGrid()], { width: 58 }).split('\n')[0]).toBe('name          column-1          column-2          column-3');
  });

  it('may leave what is too wide to --verbose', () => {
    const grids = [wideGrid({ overflow: 'verbose' })];
    expect(textOf(grids, { width: 40 })).not.toContain('column-3');
    expect(textOf(grids, { width: 40, verbose: true })).toContain('column-3');
  });

  it('cuts a name in its middle, to its own limit or to what the others leave', () => {
    const name = 'abcdefghijklmnopqrstuvwxyz'.repeat(2);
    const cut = (most: number | 'rest'): string =>
      textOf(
        [
          grid(
            [name],
            [
              { head: 'n', of: (row) => row, most },
              { head: 'figure', of: () => 1 },
            ],
          ),
        ],
        { width: 40 },
      ).split('\n')[2]!;
    expect(cut(10)).toBe('abc…uvwxyz       1');
    // 40 less 8 for the figure.
    expect(cut('rest')).toBe(`${name.slice(0, 11)}…${name.slice(-20)}       1`);
  });

  it('wraps a text in its column', () => {
    const lists = grid(
      [1],
      [
        { head: 'n', of: (row) => row },
        { head: 'which', of: () => '0-3, 5-7, 9', wrap: 9, align: 'left' },
      ],
    );
    expect(textOf([lists])).toBe('n  which\n────────────\n1  0-3, 5-7,\n   9\n');
  });
});
