// What code knows of a runtime stands in the runtime's folder: no other file of src names one, but the registry.
import { type Node, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { ROOMS, roomOf } from '../../scripts/rooms.mjs';
import { RUNTIMES } from '../../src/runtime/index.js';
import { traceFormats } from '../../src/trace/formats/index.js';
import { parse, type SourceFile, sources } from './source.js';

const NAMES = RUNTIMES.map(({ name }) => name);

/** A name as a word. It may go on behind a dash, as names of profiles and systems do; in a path or an address it is no word. */
const NAMED = new RegExp(`(?<![\\w/.-])(?:${NAMES.map((name) => name.replaceAll('.', '\\\\?\\.')).join('|')})(?![\\w/])`);

/** A runtime whose name is that of its files' format, too: rooms that know formats write it (`int\\d|gptq|awq|hqq|mlx`, `mlx4`). */
const FORMAT = /(?:gptq\|awq\|hqq|awq\|gptq)\|mlx|^mlx(?:-\dbit)?$/;

/** Lines that a user types, in a text of help. */
const EXAMPLE_LINES = /^\s*(?:\$ )?moeprof .*$/gm;

/** Rooms before that of the runtimes: their code cannot ask one. */
const BEFORE = ROOMS.map(({ name }) => name).slice(
  0,
  ROOMS.findIndex(({ name }) => name === 'runtime'),
);

/**
 * Literals of a file that name a runtime, `path:line: literal`: strings, parts of templates, regular expressions and keys. None of these does:
 * - documentation: a description of a field (`describe`), a citation (`cites`, `engines` of a trace format), the text of
 *   a command's help, a remedy, a line that a user types, and a sentence in a room before the runtimes, which cannot depend on one;
 * - the name of a trace format in the room of traces: formats are named after the program that writes them.
 */
function runtimesNamed({ path, program, text }: SourceFile): string[] {
  if (!NAMED.test(text)) return [];
  const room = roomOf(path);
  const documents: Pick<Node, 'start' | 'end'>[] = [];
  const found: string[] = [];
  const judge = (start: number, literal: string, isSentence = /\s/.test(literal)): void => {
    if (!NAMED.test(literal.replaceAll(EXAMPLE_LINES, '')) || documents.some((node) => node.start <= start && start < node.end)) return;
    if (isSentence && BEFORE.includes(room)) return;
    if (['model', 'measured'].includes(room) && FORMAT.test(literal)) return;
    if (room === 'trace' && traceFormats.some(({ name }) => name === literal)) return;
    found.push(`${path}:${text.slice(0, start).split('\n').length}: ${literal.trim().slice(0, 80)}`);
  };
  new Visitor({
    CallExpression: ({ arguments: given, callee }) => {
      if (callee.type === 'MemberExpression' && text.slice(callee.property.start, callee.property.end) === 'describe')
        documents.push(...given);
      // Tables of options are help.
      if (text.slice(callee.start, callee.end) === 'options') documents.push(...given);
    },
    VariableDeclarator: ({ id, init }) => {
      if (id.type === 'Identifier' && /^help$|_HELP$|^MISTAKE/.test(id.name) && room === 'cli') documents.push(init!);
    },
    ImportDeclaration: ({ source }) => void documents.push(source),
    ExportNamedDeclaration: ({ source }) => void (source !== null && documents.push(source)),
    Property: ({ key, value }) => {
      const name = text.slice(key.start, key.end);
      if (name === 'cites' || name === 'engines') documents.push(value);
      if (key.type === 'Identifier') judge(key.start, name);
    },
    Literal: (node) => {
      if ('regex' in node) judge(node.start, node.regex.pattern, false);
      else if (typeof node.value === 'string') judge(node.start, node.value);
    },
    TemplateElement: ({ start, value }) => judge(start, value.raw),
  }).visit(program);
  return found;
}

/** Files that engines load to place experts are a family named by engines. */
const isFormat = (path: string): boolean => path.startsWith('place/formats/');

/** A runtime's folder, and the registry. */
const isTheirs = (path: string): boolean =>
  path === 'runtime/index.ts' || isFormat(path) || NAMES.some((name) => path.startsWith(`runtime/${name}/`));

describe('names of runtimes', () => {
  it('stand in their folders and in the registry alone', () => {
    const named = sources().map((file) => [file.path, runtimesNamed(file)] as const);
    expect(named.filter(([path, found]) => isTheirs(path) && found.length > 0).length).toBeGreaterThanOrEqual(NAMES.length);
    expect(named.filter(([path]) => !isTheirs(path)).flatMap(([, found]) => found)).toEqual([]);
  });

  it.each([
    ["if (engine === 'llama.cpp') a();", 'llama.cpp'],
    ["const a = ['ollama'];", 'ollama'],
    ['const a = { ollama: 1 };', 'ollama'],
    ["type A = 'vllm' | null;", 'vllm'],
    ["const a = 'llama.cpp-rocm';", 'llama.cpp-rocm'],
    ['const a = /^llama\\.cpp(-|$)/;', '^llama\\.cpp(-|$)'],
    ['const a = `take llama.cpp`;', 'take llama.cpp'],
    ["const a = 'Try it with llama.cpp.';", 'Try it with llama.cpp.'],
  ])('are found in other files: %s', (text, literal) => {
    expect(runtimesNamed(parse('engine/a.ts', `\n${text}`))).toEqual([`engine/a.ts:2: ${literal}`]);
  });

  it.each([
    ['engine/a.ts', '// llama.cpp\nconst a = 1;'],
    ['engine/a.ts', "import { a } from '../runtime/llama.cpp/index.js';"],
    ['engine/a.ts', "a.describe('As llama.cpp has it.');"],
    ['engine/a.ts', "const a = { cites: 'llama.cpp, src/llama.cpp' };"],
    ['engine/a.ts', "const a = 'github.com/ggml-org/llama.cpp';"],
    ['cli/a.ts', 'const a = `\n  moeprof advise m --runtime ollama\n`;'],
    ['cli/a.ts', "export const help = 'A model needs llama.cpp.', A_HELP = `ollama`;"],
    ['model/a.ts', "const a = 'llama.cpp Q4_0: 4.5 bits';"],
    ['trace/a.ts', "const a = 'sglang-recorder';"],
  ])('are none in documentation and formats: %s: %s', (path, text) => {
    expect(runtimesNamed(parse(path, text))).toEqual([]);
  });

  it('are found in rooms before, where they are no sentence', () => {
    expect(runtimesNamed(parse('hardware/a.ts', "const a = 'llama.cpp';"))).toHaveLength(1);
    expect(runtimesNamed(parse('trace/a.ts', "const a = 'ollama';"))).toHaveLength(1);
    expect(runtimesNamed(parse('trace/a.ts', "const help = 'ollama';"))).toHaveLength(1);
  });
});
