import { ENGINE_BACKENDS } from '../record/door.js';
import { type OptionsOf, options } from './kit/declared.js';
import { TRACE_OUTPUT } from './kit/groups.js';

/** What the command takes. */
export const RECORD = options({
  '[gguf]': 'a GGUF file of a model with experts (of a split one the first part)',
  ...TRACE_OUTPUT,
  'A model on this machine:': '',
  '--prompts <file>': ['JSON lines: {"prompt": "..."}, a text in quotes, or {"messages": [...]}', { excludes: 'proxy' }],
  '--tokens <n>': ['tokens in all, those of prompts included', { default: '2000', excludes: 'proxy' }],
  '--gates <n>': ['candidates behind the choices, with gate probabilities, too, for --rerank', { default: '0', excludes: 'proxy' }],
  '--seed <n>': ['seed of what is drawn', { default: '1', excludes: 'proxy' }],
  '--backend <name>': ['build of the engine, for a GPU, too', { choices: ENGINE_BACKENDS, default: 'cpu', excludes: 'proxy' }],
  'A server:': '',
  '--proxy <url>': 'record what passes before a server of vLLM or SGLang: its address; clients then use --listen in its place',
  '--listen <host:port>': ['where clients connect', { default: '127.0.0.1:30080', excludes: 'prompts' }],
  '-m, --model <model>': ['model that is served: replies of SGLang need it, since they do not say their layers', { excludes: 'prompts' }],
  '--requests <n>': ['end after so many recorded answers', { shown: 'Ctrl-C ends it', excludes: 'prompts' }],
  '--keep-text': ['keep ids of tokens, those of prompts too: they are the text', { excludes: 'prompts' }],
});

/** Flags of the command. */
export type RecordFlags = OptionsOf<typeof RECORD>;
