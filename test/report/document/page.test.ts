// Documents as pages: what is folded away, what is copied, and columns that nothing stands in.
import { describe, expect, it } from 'vitest';
import { AGAIN, againGrid } from '../../../src/report/document/again.js';
import { type Document, gridOf, note } from '../../../src/report/document/document.js';
import { renderDocumentPage } from '../../../src/report/document/page.js';

const pageOf = (blocks: Document['blocks'], picture?: string): string => {
  const page = renderDocumentPage({ title: 'title', blocks }, 'moeprof x', picture);
  return page.slice(page.indexOf('<main>'), page.indexOf('</main>'));
};

const count = (text: string, part: string): number => text.split(part).length - 1;

describe('the page of a document', () => {
  it('shows the commands of a table below it, each to be copied, and not as a column', () => {
    const grid = gridOf(
      ['run', 'speed', { ...AGAIN }],
      [
        ['a', 1, 'moeprof run -s a'],
        ['b', 2, 'moeprof run -s "<b>"'],
        ['c', 3, ''],
      ],
    );
    const page = pageOf([grid]);
    expect(page).not.toContain('again</th>');
    expect(page.match(/<pre class="copy">[^<]*<\/pre>/g)).toEqual([
      '<pre class="copy">moeprof run -s a</pre>',
      '<pre class="copy">moeprof run -s &#34;&#60;b&#62;&#34;</pre>',
    ]);
    expect(count(page, '<tr>')).toBe(4);
    // A table of nothing but commands has no rows without them.
    const only = pageOf([againGrid([{ head: 'run' }], [[['a'], 'moeprof run -s a']])]);
    expect([count(only, '<table'), count(only, '<details>'), count(only, '<p>a </p>')]).toEqual([0, 1, 1]);
  });

  it('carries the script that copies where there is something to copy, and no script otherwise', () => {
    const whole = (blocks: Document['blocks']): string => renderDocumentPage({ title: 't', blocks }, 'moeprof x');
    expect(whole([note('<pre class="copy">')])).toContain("script-src 'none'");
    const page = whole([{ kind: 'code', lines: ['llama-server', '  -ngl 99'] }]);
    expect(page).toContain('<pre class="copy">llama-server\n  -ngl 99</pre>');
    expect(page).toContain("script-src 'sha256-");
  });

  it('folds neighbours of one heading away together', () => {
    const of = (text: string, under?: string) => note(text, 'plain', under === undefined ? {} : { under });
    const page = pageOf([of('first'), of('second', 'A'), of('third', 'A'), of('fourth', 'B')]);
    expect(page.match(/<summary>(\w)/g)).toEqual(['<summary>A', '<summary>B']);
    const [before, a, b] = page.split('<details>');
    expect([before, a, b].map((part) => part!.match(/first|second|third|fourth/g))).toEqual([['first'], ['second', 'third'], ['fourth']]);
  });

  it('leaves out columns in which nothing stands, but not the one that names the rows', () => {
    const page = pageOf([gridOf(['', 'speed', 'notes'], [['', 1, '']])]);
    expect(page).toContain('speed</th>');
    expect(page).not.toContain('notes');
    expect(page).toContain('<th scope="row"></th>');
  });

  it('folds a picture away that is more than twice as high as wide', () => {
    const svg = (height: number): string => `<svg viewBox="0 0 100 ${height}"><title>t</title></svg>`;
    expect([200, 201].map((height) => count(pageOf([], svg(height)), '<details>'))).toEqual([0, 1]);
  });
});
