// Timings pasted into the page: read as the command reads them, of the machine that they name, and refused in a line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible } from '../../src/base/text.js';
import type { Advice } from '../../src/index.js';
import type { PlayAnswer } from '../../src/play/answers.js';
import { Desk } from '../../src/play/desk.js';
import { cases } from '../cases.js';

interface Read {
  readonly machine: string;
  readonly model: string | null;
  readonly html: string;
  readonly error?: string;
}

const desk = new Desk();
const LINK = 'm=gpt-oss-20b&w=rtx-3060+32GB';
const pasted = async (text: string, link = LINK): Promise<Read> => (await desk.answer({ kind: 'timing', link, text })) as Read;
const whole = async (link: string) =>
  (await desk.answer({ kind: 'whole', link })) as PlayAnswer & { readonly advice: Advice; readonly error?: string };
const JSONL = JSON.stringify({
  ...{ gpu_info: 'NVIDIA GeForce RTX 4080', cpu_info: 'AMD Ryzen 9 5950X 16-Core Processor', backends: 'CUDA' },
  ...{ model_filename: 'gpt-oss-20b-mxfp4.gguf', n_cpu_moe: 0, n_prompt: 0, n_gen: 128, avg_ts: 120 },
});

describe('a pasted timing', () => {
  it.each([
    [
      'eval 24.3 tok/s, -ncmoe 20',
      'rtx-3060+32GB',
      null,
      /names no machine: rtx-3060\+32GB is taken.*no known model: gpt-oss-20b is taken/s,
    ],
    ['gpt-oss-120b, RTX 3090, 64 GB, -ncmoe 30, 19 tok/s, flubber', 'rtx-3090+64GB', 'gpt-oss-120b', /not counted: &#34;flubber&#34;/],
    ['gpt-oss-20b on a 3090, -ncmoe 0, 150 tok/s', 'rtx-3090+64GB', 'gpt-oss-20b', /Machine of the log: rtx-3090/],
    ['gpt-oss-20b on a 3060, -ncmoe 12, 40 tok/s', 'rtx-3060+32GB', 'gpt-oss-20b', /Machine of the log: rtx-3060/],
    [JSONL, 'rtx-4080+ryzen-9-5950x', 'gpt-oss-20b', /Read: eval128 120 tok\/s/],
    [JSONL.replace('RTX 4080', 'RTX 9999'), 'rtx-3060+32GB+ryzen-9-5950x', 'gpt-oss-20b', /RTX 9999, is no known part: choose one/],
  ])('is of the machine that it names: %s', async (text, machine, model, said) => {
    const { html, ...read } = await pasted(text);
    expect(read).toEqual({ machine, model });
    expect(html).toMatch(said);
  });

  it('narrows the band, and counts on its own machine alone', async () => {
    const [plain, taught] = [await whole(LINK), await whole(`${LINK}&timing=${encodeURIComponent('eval 24.3 tok/s, -ncmoe 20')}`)];
    const widthOf = ({ bands }: Advice): number => bands!.decode!.high / bands!.decode!.low;
    expect(widthOf(taught.advice)).toBeLessThan(widthOf(plain.advice));
    expect(taught.command).toBe("moeprof advise gpt-oss-20b -w rtx-3060+32GB --timing 'eval 24.3 tok/s, -ncmoe 20'");
    const other = await whole(`${LINK}&timing=${encodeURIComponent('gpt-oss-20b, 4090, -ncmoe 0, 200 tok/s')}`);
    expect([taught.foreign, other.foreign]).toEqual([false, true]);
    expect(JSON.stringify(other.advice)).toBe(JSON.stringify(plain.advice));
  });

  it('at a glance is counted, too, and its machine may be turned', async () => {
    const link = `${LINK}&timing=${encodeURIComponent('eval 24.3 tok/s, -ncmoe 20')}`;
    const glanced = (await desk.answer({ kind: 'glance', link, before: null, turns: [['ram', '64']] })) as PlayAnswer;
    expect([glanced.foreign, (glanced.advice as Advice).bands!.decode!.common]).toEqual([false, 'this machine']);
  });
});

describe('a text', () => {
  it.each([
    ['hello', /^timing: holds no timings that are known/],
    ['', /^timing: /],
    ['gpt-oss-20b, 3090, 11 tok/s', /nothing says where its experts lay/],
    [`${JSONL}\n${JSONL.replace('RTX 4080', 'RTX 4090')}`, /check the logs of each machine alone/],
    ['x'.repeat(2e5), /^timing: holds no timings/],
    ['x'.repeat(1e6), /^timing: has 1,000,000 characters; paste at most 200,000/],
  ])('is refused in a line: %.40s', async (text, message) => {
    const { error } = await pasted(text);
    expect(error).toMatch(message);
    expect(error).not.toMatch(/moeprof profiles|--timing/);
  });

  it('of anything is read, or refused in one printable line', { timeout: 120_000 }, async () => {
    const words = [
      'gpt-oss-20b',
      '3090',
      '11 tok/s',
      '-ncmoe',
      '9'.repeat(30),
      '| t/s |',
      '{"n_gen":',
      '\n',
      '-ot',
      '<img src=x>',
      '\u0000',
      '-1',
    ];
    const text = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 9 })), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        const { error, html = '' } = await pasted(parts.join(' '));
        if (html.includes('<img')) throw new Error(html);
        if (error !== undefined && (error.startsWith('a fault') || error !== visible(error) || error.includes('\n')))
          throw new Error(error);
      }),
      { numRuns: cases(300) },
    );
  });
});

describe('links of an answer', () => {
  it('name what fits where nothing does', async () => {
    const none = await whole('m=gpt-oss-120b&w=rtx-3060+16GB&context=8192');
    expect(none.firstHtml).toMatch(/<a href="#m=gpt-oss-120b&#38;w=rtx-3060\+16GB\+nvme[^"]*&#38;context=8192">From a drive/);
    expect(none.firstHtml).not.toContain('<pre');
  });

  it('are none to a model that is not in the list', async () => {
    expect((await whole('m=hf:a/b&w=rtx-3060+32GB')).error).toMatch(/choose one in the list|takes? a bundled name/);
    expect((await whole('m=gpt-oss-20b&w=rtx-306x')).error).toBe(
      'unknown machine "rtx-306x": did you mean "rtx-3060" or "rtx-2060" or "rtx-3050"?',
    );
  });
});
