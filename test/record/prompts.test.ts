// Files of prompts: each way to write one, and the line that is none.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPrompts } from '../../src/record/prompts.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

function written(text: string): string {
  const path = join(folder, 'my.jsonl');
  writeFileSync(path, text);
  return path;
}

it('prompts are texts, objects with one, or messages', () => {
  const chat = [{ role: 'user', content: 'c' }];
  const lines = ['"a"', '', '{"prompt": "b", "id": 7}', JSON.stringify(chat), JSON.stringify({ messages: chat })];
  expect(readPrompts(written(lines.join('\r\n')))).toEqual(['a', 'b', chat, chat]);
});

it.each(['b', '""', '{}', '{"prompt": 7}', '[]', '[{"role": "user"}]', '{"messages": "x"}', '7', 'null'])('%s is no prompt', (line) => {
  expect(() => readPrompts(written(`"a"\n${line}\n`))).toThrow(/my\.jsonl:2: is no prompt; write \{"prompt": "\.\.\."\}/);
});

it.each(['', '\n \n'])('a file without prompts is refused', (text) => {
  expect(() => readPrompts(written(text))).toThrow('it holds no prompt');
});
