import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { readText } from '../base/input-file.js';

const text = z.string().min(1);
const chat = z.array(z.object({ role: z.string(), content: z.string() })).min(1);
const line = z.union([
  text,
  chat,
  z.looseObject({ prompt: text }).transform(({ prompt }) => prompt),
  z.looseObject({ messages: chat }).transform(({ messages }) => messages),
]);

/** A text, or a chat for the model's template. */
export type Prompt = z.output<typeof line>;

/** One per line: text, {"prompt": text}, or chat messages. @throws UserError for an invalid line, or no prompt */
export function readPrompts(path: string): Prompt[] {
  const prompts = readText(path, 'prompts')
    .split('\n')
    .flatMap((written, at): Prompt[] => {
      if (written.trim() === '') return [];
      try {
        return [line.parse(JSON.parse(written))];
      } catch {
        const instead = '{"prompt": "..."}, a text in quotes, or {"messages": [{"role": "user", "content": "..."}]}';
        throw new UserError(`${path}:${at + 1}: is no prompt; write ${instead}`);
      }
    });
  if (prompts.length === 0) throw new UserError(`${path}: it holds no prompt; write one a line, as {"prompt": "..."}`);
  return prompts;
}
