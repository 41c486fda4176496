// Detection as a whole: tools are asked, their answers are read, and the machine is composed of parts.
import type { Answer } from './ask.js';
import { composeMachine, type Detection } from './compose.js';
import { type Seen, together } from './tools/seen.js';

/**
 * The machine in the answers of tools; missing answers that matter are listed as not seen.
 * @param answers in the order in which tools are believed
 */
export function detectFrom(answers: readonly Answer[]): Detection {
  const read = answers.map((answer) => ({ ...answer, seen: answer.text === null ? null : readOf(answer.tool.read, answer.text) }));
  const all = together(read.flatMap(({ seen }) => seen ?? []));
  const silent = read.filter(({ seen, tool }) => seen === null && tool.missing(all));
  const said = silent.map(
    ({ text, tool, why }) => `${tool.name} ${text === null ? why : 'is not understood'}: it would tell ${tool.tells}.`,
  );
  const detection = composeMachine(all);
  return { ...detection, notSeen: [...detection.notSeen, ...said] };
}

/** Null: the answer is not what the tool is documented to print. */
function readOf(read: (answer: string) => Seen, text: string): Seen | null {
  try {
    return read(text);
  } catch (error) {
    // Programs of other versions print what they like: JSON.parse and missing fields end here.
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
