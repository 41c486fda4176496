// Documents as Markdown: every kind of part, folds, and hostile text that stays text.
import { describe, expect, it } from 'vitest';
import { grid, note } from '../../../src/report/document/document.js';
import { escapeMarkdown, renderMarkdown } from '../../../src/report/document/markdown.js';
import { OPTIONS, sample } from './sample.js';

describe('a document as Markdown', () => {
  it('is what a person wrote, without drawings', () => {
    expect(renderMarkdown(sample, OPTIONS)).toBe(`## Policies on rtx-4090

2 runs of 100 tokens.

> Nothing was recorded.

| policy | cache | hits | why |
| --- | ---: | ---: | --- |
| lru | 1.00 GiB | 50 % |  |
| a\\|b, "c" | 1.50 GiB | 81.25 % | ran first |

- **memory**: 1.00 GiB on the GPU

- **b**: is slower → look
- and that is all

**lru is the problem.**

> **too-small**: less than one token

only at a glance
`);
  });

  it('folds a grid away, or names it', () => {
    const one = grid([1], [{ head: 'a', of: (row) => row }]);
    const blocks = [{ ...one, fold: 'All' }, { ...one, title: 'Some' }, { ...one, only: ['terminal'] as const }, note('end')];
    expect(renderMarkdown({ blocks }, OPTIONS)).toBe(
      '<details><summary>All</summary>\n\n| a |\n| --- |\n| 1 |\n\n</details>\n\n**Some**\n\n| a |\n| --- |\n| 1 |\n\nend\n',
    );
  });

  it('names facts by their title', () => {
    const facts = [['  what', 'a'] as const, ['  mend', 'b'] as const];
    expect(renderMarkdown({ blocks: [{ kind: 'facts', facts, indent: 10, title: { text: 'code', tone: 'warning' } }] }, OPTIONS)).toBe(
      '**code**\n\n- **what**: a\n- **mend**: b\n',
    );
  });

  it('mentions nobody and links nowhere', () => {
    expect(escapeMarkdown('@octocat see https://evil.example or www.evil.example, recall @4')).toBe(
      '@<!-- -->octocat see https&#58;//evil.example or www.<!-- -->evil.example, recall @4',
    );
  });

  it('shows hostile text as it stands', () => {
    expect(escapeMarkdown('<img src=x>|`a`\n# [b](c) *d* __e__ f_g\u001b[1m')).toBe(
      '&lt;img src=x&gt;\\|\\`a\\` \\# \\[b\\](c) \\*d\\* \\_\\_e\\_\\_ f_g\\\\u{1b}\\[1m',
    );
  });
});
