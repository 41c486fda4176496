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

/** What a model is given: a text, or a chat that its template makes one of. */
export type Prompt = z.output<typeof line>;

/** Reads prompts, a line each: text, {"prompt": text}, or a chat's messages. @throws UserError with the line that is none, or if there is none */
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
