// Plays an engine's process: what it sends and how it ends, by the name of a scenario. Two layers of four experts, top-1 and a candidate.
const [scenario] = process.argv.slice(2);
const opened = { engine: 'fake 1', experts: [4, 4], choices: 1, width: 2, most: 5 };
const compared = { compared: 2, differsAt: null, timesAsLong: 1.25 };
const NONE = 0xffff;

const rows = (request, position, phase, tokens, ids) => ({
  request,
  position,
  phase,
  tokens: Int32Array.from(tokens),
  ids: Uint16Array.from(ids),
  weights: Float32Array.from(ids, (id) => (id === NONE ? 0 : 1 / (id + 1))),
});
const PROMPT = rows(0, 0, 0, [10, 11], [0, 1, NONE, NONE, 2, 3, 1, 0]);
const NEXT = rows(0, 2, 1, [12], [3, 0, 2, 1]);
const OTHER = rows(1, 0, 0, [20], [1, 2, 1, 2]);

const said = (text) => process.stderr.write(`${text}\n`);
const send = (...messages) => messages.forEach((message) => void process.send(message));
const ENDS = {
  whole: () => send(opened, PROMPT, NEXT, OTHER, compared),
  other: () => send(opened, PROMPT, { ...compared, differsAt: 1 }),
  twice: () => send(opened, { ...PROMPT, ids: Uint16Array.from([1, 1, 0, 2, 2, 3, 1, 0]) }, compared),
  failed: () => {
    said('load: fine');
    said('load_tensors: error: tensor data are not within the file');
    said('clean up');
    process.send({ failed: 'the engine cannot load it' });
  },
  abort: () => {
    send(opened, PROMPT);
    said('ggml.c:42: GGML_ASSERT(x > 0) failed');
    setTimeout(() => process.abort(), 50);
  },
  killed: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(7),
};
process.on('disconnect', () => process.exit(0));
process.on('message', () => ENDS[scenario]());
